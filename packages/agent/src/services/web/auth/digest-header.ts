/** What a client answers a digest challenge with. */
export interface DigestAnswer {
  username: string;
  realm: string;
  nonce: string;
  uri: string;
  /** Hexadecimal. */
  response: string;
  algorithm: string;
  cnonce: string;
  /** Eight hexadecimal digits. */
  nc: string;
}

const LONGEST = 4096;
const MOST_PARAMETERS = 20;
const PARAMETER = /[ \t]*([\w*-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))[ \t]*(?:,|$)/y;

/** Reads `Digest username="…", …` with qop auth (RFC 7616 §3.4); undefined for what is none, or not whole. */
export function parseDigest(header: string): DigestAnswer | undefined {
  const [scheme] = /^Digest +/i.exec(header) ?? [];
  if (scheme === undefined || header.length > LONGEST) return undefined;
  const found = new Map<string, string>();
  PARAMETER.lastIndex = scheme.length;
  while (PARAMETER.lastIndex < header.length) {
    const [, name = '', quoted, token = ''] = PARAMETER.exec(header) ?? [];
    const key = name.toLowerCase();
    if (key === '' || found.has(key) || found.size === MOST_PARAMETERS) return undefined;
    found.set(key, quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1'));
  }
  const text = (name: string) => found.get(name) ?? '';
  const answer = {
    ...{ username: fromLatin1(text('username')), realm: fromLatin1(text('realm')), nonce: text('nonce') },
    ...{ uri: text('uri'), response: text('response'), cnonce: text('cnonce'), nc: text('nc') },
    algorithm: found.get('algorithm') ?? 'MD5',
  };
  const isWhole =
    Object.values(answer).every((value) => value !== '') &&
    text('qop') === 'auth' &&
    /^[0-9a-f]{8}$/i.test(answer.nc) &&
    /^[0-9a-f]+$/i.test(answer.response);
  return isWhole ? answer : undefined;
}

/** Node reads headers byte by byte; clients mean UTF-8. */
function fromLatin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
