import type { AgentSettings } from '../../../config.ts';
import type { Complain } from '../complain.ts';

type RedirectSettings = AgentSettings['web']['redirect'][number];

/** What a redirect looks at, of a request. */
export interface Asked {
  secure: boolean;
  /** Host and port as the request names them. */
  host: string;
  /** The device's public name, and its port if it has one: where it is sent instead of to the host that it named. */
  name?: string;
  path: string;
  /** With its question mark; empty without one. */
  query: string;
}

/** A URL of which any part may be missing. */
interface Parts {
  scheme?: string;
  host?: string;
  port?: string;
  path?: string;
  query?: string;
}

/** Where a request is sent, and with which status. */
export interface Redirection {
  status: number;
  location: string;
}

export type Redirects = (asked: Asked) => Redirection | undefined;

const FORM =
  /^(?:(https?)(?::\/\/|$))?((?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)?)(?::(\d{1,5}))?(\/[^?#\s]*)?(\?[^#\s]*)?$/i;

/**
 * The rules of `web.redirect`, of which the first that fits counts. `from` names any of scheme, host, port and path (which
 * ends in a slash for all below it); `to` the parts that change.
 *
 * @throws what `complain` makes of a rule that cannot be read, or leads to itself.
 */
export function compileRedirects(settings: readonly RedirectSettings[], complain: Complain): Redirects {
  const rules = settings.map(({ from = '', to, status }, at) => {
    const bad = (property: string, problem: string) => complain(['redirect', String(at), property], problem);
    const [source, target] = [partsOf(from), partsOf(to)];
    if (!source || source.query)
      throw bad('from', `${JSON.stringify(from)} is no part of a URL without a query`);
    if (!target) throw bad('to', `${JSON.stringify(to)} is no URL, and no part of one`);
    if (leadsToItself(source, target))
      throw bad('to', `${JSON.stringify(to)} is redirected by the same rule`);
    return { source, target, status };
  });
  return (asked) => {
    const rule = rules.find(({ source }) => fits(source, asked));
    return rule && { status: rule.status, location: locationOf(rule.target, asked) };
  };
}

function partsOf(text: string): Parts | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, scheme, host, port, path, query] = match;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  return { scheme: scheme?.toLowerCase(), host: host?.toLowerCase() || undefined, port, path, query };
}

/** Whether what a rule answers with comes under that rule again. */
function leadsToItself(source: Parts, target: Parts): boolean {
  // Another host may know better.
  if (target.host !== undefined && source.host === undefined) return false;
  const stays = (name: 'scheme' | 'host' | 'port') =>
    source[name] === undefined || target[name] === undefined || source[name] === target[name];
  if (!stays('scheme') || !stays('host') || !stays('port')) return false;
  return target.path === undefined || fitsPath(source.path, target.path);
}

function fits(source: Parts, { secure, host, path }: Asked): boolean {
  const { name, port } = splitHost(host, secure);
  return (
    (source.scheme === undefined || source.scheme === (secure ? 'https' : 'http')) &&
    (source.host === undefined || source.host === name) &&
    (source.port === undefined || source.port === port) &&
    fitsPath(source.path, path)
  );
}

function fitsPath(pattern: string | undefined, path: string): boolean {
  if (pattern === undefined) return true;
  return pattern.length > 1 && pattern.endsWith('/') ? path.startsWith(pattern) : path === pattern;
}

function locationOf(target: Parts, { secure, host, name, path, query }: Asked): string {
  const from = splitHost(name ?? host, secure);
  const scheme = target.scheme ?? (secure ? 'https' : 'http');
  const usual = scheme === 'https' ? '443' : '80';
  // Another scheme is served on another port, which is its usual one unless the rule says which.
  const kept = target.scheme === undefined || target.scheme === (secure ? 'https' : 'http');
  // A public name with a port is served on that one.
  const isNamed = name !== undefined && /:\d+$/.test(name);
  const port = target.port ?? (target.host === undefined && (kept || isNamed) ? from.port : usual);
  const authority = `${target.host ?? from.name}${port === usual ? '' : `:${port}`}`;
  return `${scheme}://${authority}${target.path ?? path}${target.query ?? query}`;
}

function splitHost(host: string, secure: boolean): { name: string; port: string } {
  const match = /^(.*?)(?::(\d*))?$/.exec(host.toLowerCase());
  return { name: match?.[1] ?? '', port: match?.[2] || (secure ? '443' : '80') };
}
