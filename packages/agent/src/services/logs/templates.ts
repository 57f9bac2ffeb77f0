import { CodedError } from '@ioto/runtime';

/** What names of groups and streams may hold. */
export interface NameFacts {
  id: string;
  hostname: string;
  product: string;
  model: string;
  version: string;
  /** Of the file, without its directory; what stands in its place for other sources. */
  filename: string;
}

const TOKEN = /\$?\{([^{}]*)\}/g;
const KNOWN = ['id', 'deviceId', 'hostname', 'product', 'model', 'version', 'date', 'filename'];

/** CloudWatch Logs: what may not stand in a name, and its longest. */
const NOT_IN_GROUP = /[^.\-_/#A-Za-z0-9]/g;
const NOT_IN_STREAM = /[:*\p{Cc}]/gu;
const LONGEST_NAME = 512;

/** @throws CONFIG_INVALID for a token that there is not. */
export function checkTemplate(template: string, where: string): void {
  for (const [whole, token] of template.matchAll(TOKEN)) {
    if (KNOWN.includes(token as string)) continue;
    const message = `${where}: there is no ${whole}; it may hold {${KNOWN.join('}, {')}}`;
    throw new CodedError('CONFIG_INVALID', message);
  }
}

export function isDated(template: string): boolean {
  return template.includes('{date}');
}

export function groupName(template: string, facts: NameFacts, time: number): string {
  return fill(template, facts, time).replace(NOT_IN_GROUP, '_').slice(0, LONGEST_NAME);
}

/**
 * The name of a stream. With `keepsApart` the cloud keeps the devices of an account apart by their streams: one that does
 * not begin with the device's ID gets it put in front.
 */
export function streamName(template: string, facts: NameFacts, time: number, keepsApart: boolean): string {
  const name = fill(template, facts, time).replace(NOT_IN_STREAM, '_');
  const own = name.startsWith(facts.id) && /^(?:$|[/.-])/.test(name.slice(facts.id.length));
  return (keepsApart && !own ? `${facts.id}-${name}` : name).slice(0, LONGEST_NAME);
}

function fill(template: string, facts: NameFacts, time: number): string {
  return template.replace(TOKEN, (_whole, token: string) => {
    if (token === 'date') return new Date(time).toISOString().slice(0, 10);
    return facts[token === 'deviceId' ? 'id' : (token as keyof NameFacts)];
  });
}
