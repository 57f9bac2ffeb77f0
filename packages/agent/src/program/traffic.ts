import type { Traffic } from '../agent.ts';

/** What `--show` can name: of what the agent sends the heads and bodies, in capitals, and of what it gets, in small letters. */
export const SHOWN = { H: 'out', B: 'out', h: 'in', b: 'in' } as const;

/** Characters of a body that are shown. */
const LONGEST_BODY = 4096;
/** Headers, query parameters and properties that hold secrets. */
const SECRETS =
  /^(authorization|token|password|key|cloudkey|privatekey|cookie|set-cookie|secretaccesskey|sessiontoken|certificateownershiptoken|ioto-signature|x-amz-security-token|t)$/i;

/** Shows traffic to a person who looks for a fault; secrets stay secret. */
export function showTraffic(letters: string, say: (line: string) => void): (piece: Traffic) => void {
  const shows = (letter: keyof typeof SHOWN) => letters.includes(letter);
  return ({ over, direction, head, body }) => {
    const arrow = direction === 'out' ? '>' : '<';
    const [first = '', ...rest] = head;
    if (shows(direction === 'out' ? 'H' : 'h')) {
      say(`${arrow} ${over} ${withoutSecrets(first)}`);
      for (const line of rest) say(`${arrow}   ${headerWithoutSecret(line)}`);
    }
    if (!shows(direction === 'out' ? 'B' : 'b') || body === undefined || body.length === 0) return;
    for (const line of bodyText(body).split('\n')) say(`${arrow}   ${line}`);
  };
}

function headerWithoutSecret(line: string): string {
  const at = line.indexOf(':');
  return SECRETS.test(line.slice(0, at)) ? `${line.slice(0, at)}: [secret]` : line;
}

/** Of a URL. */
function withoutSecrets(line: string): string {
  return line.replace(/([?&])([^=&\s]+)=([^&\s]*)/g, (whole, mark, name) =>
    SECRETS.test(name) || /signature|token/i.test(name) ? `${mark}${name}=[secret]` : whole,
  );
}

function bodyText(body: string | Uint8Array): string {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const shown = text.slice(0, LONGEST_BODY);
  const rest = text.length > shown.length ? `… and ${text.length - shown.length} characters more` : '';
  const json = text.length <= LONGEST_BODY ? parsed(text) : undefined;
  // A part of what may be JSON could show a part of a secret.
  if (json === undefined && /^\s*[{[]/.test(text) && text.length > LONGEST_BODY) {
    return `${text.length} characters of JSON`;
  }
  const plain = json === undefined ? withoutSecrets(shown) : JSON.stringify(json, censor);
  return `${plain}${rest}`.replace(/[^\P{Cc}\n\t]/gu, '·');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function censor(name: string, value: unknown): unknown {
  // A URL may be all that is needed to fetch what it leads to.
  if (typeof value === 'string' && /^https?:/.test(value)) return withoutSecrets(value);
  // A Store item names its value `key`; a secret one is long.
  const isSecret = SECRETS.test(name) && name.toLowerCase() !== 't' && typeof value === 'string';
  return isSecret && (name.toLowerCase() !== 'key' || value.includes('PRIVATE KEY')) ? '[secret]' : value;
}
