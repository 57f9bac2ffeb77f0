import { extname } from 'node:path';
import type { AgentSettings } from '../../../config.ts';
import type { Complain } from '../complain.ts';
import type { Route } from './route.ts';

type RouteSettings = AgentSettings['web']['routes'][number];

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']);
const FILE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** What answers where the settings name no route: the documents. */
const DOCUMENTS: RouteSettings = { match: '', handler: 'file', compressed: false };

/**
 * Routes in the order of the settings, then the documents for what none of them matches, unless one matches everything.
 *
 * @throws what `complain` makes of a route that cannot be meant.
 */
export function compileRoutes(settings: readonly RouteSettings[], complain: Complain): Route[] {
  const routes = settings.map((route, at) =>
    compile(route, (property, problem) => complain(['routes', String(at), property], problem)),
  );
  if (routes.some(({ kind }) => kind === 'all')) return routes;
  return [...routes, compile(DOCUMENTS, (property, problem) => complain(['routes', property], problem))];
}

function compile(route: RouteSettings, bad: (property: string, problem: string) => Error): Route {
  const { match, redirect, trim = '', cache } = route;
  if (match !== '' && !isPath(match)) {
    throw bad(
      'match',
      `${JSON.stringify(match)} is no path such as '/api/' (all below it) or '/api' (it alone)`,
    );
  }
  if (trim !== '' && !match.startsWith(trim)) {
    throw bad('trim', `the path that it matches does not begin with ${JSON.stringify(trim)}`);
  }
  const methods = (route.methods ?? FILE_METHODS).map((method) => method.toUpperCase());
  const unknown = methods.find((method) => !KNOWN_METHODS.has(method));
  if (unknown !== undefined) {
    throw bad('methods', `${unknown} is none of ${[...KNOWN_METHODS].join(', ')}`);
  }
  // Whatever GET answers, HEAD does without the body.
  const all = new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
  return {
    match,
    kind: match === '' ? 'all' : match.length > 1 && match.endsWith('/') ? 'prefix' : 'exact',
    methods: all,
    allow: [...all].join(', '),
    handler: route.handler,
    redirect,
    // The path that the handler sees begins with a slash.
    trim: trim.endsWith('/') ? trim.length - 1 : trim.length,
    compressed: route.compressed,
    cacheControl: cache ? cacheControlOf(cache) : () => undefined,
  };
}

function isPath(text: string): boolean {
  return text.startsWith('/') && !/[?#%\\\0]|\/\/|(?:^|\/)\.\.?(?:\/|$)/.test(text);
}

function cacheControlOf({ maxAge, directives, extensions }: NonNullable<RouteSettings['cache']>) {
  const seconds = !maxAge ? [] : [`max-age=${Math.min(Math.floor(maxAge / 1000), 31_536_000)}`];
  const value = [...seconds, ...(directives ? [directives] : [])].join(', ');
  const endings =
    extensions && new Set(extensions.map((ending) => `.${ending.replace(/^\./, '').toLowerCase()}`));
  return (file: string) =>
    value !== '' && (!endings || endings.has(extname(file).toLowerCase())) ? value : undefined;
}
