import { extname } from 'node:path';
import type { AgentSettings } from '../../../config.ts';
import { mayAnybody, type Roles } from '../auth/roles.ts';
import type { Complain } from '../complain.ts';
import { KNOWN_METHODS } from './known-methods.ts';
import { isPlainPath } from './plain-path.ts';
import type { Route, RouteSettings } from './route.ts';

/** Files of Ioto name it; what a browser sends would be shown to its scripts, cookies included (RFC 9110 §9.3.8). */
const NEVER_ANSWERED = 'TRACE';
/** Actions say themselves what they answer. */
const METHODS: Record<RouteSettings['handler'], readonly string[]> = {
  file: ['GET', 'HEAD', 'OPTIONS'],
  action: [...KNOWN_METHODS],
  upload: ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'],
  rest: [...KNOWN_METHODS],
};

/** What answers where the settings name no route: the documents. */
const DOCUMENTS: RouteSettings = { match: '', handler: 'file', compressed: false, limits: {} };

export interface RouteDefaults {
  /** What routes that say nothing go by. */
  web: Pick<AgentSettings['web'], 'auth' | 'sessions' | 'signatures' | 'limits'>;
  roles: Roles;
}

/**
 * Routes in the order of the settings, then the documents for what none of them matches, unless one matches everything.
 *
 * @throws what `complain` makes of a route that cannot be meant.
 */
export function compileRoutes(
  settings: readonly RouteSettings[],
  defaults: RouteDefaults,
  complain: Complain,
): Route[] {
  const routes = settings.map((route, at) =>
    compile(route, defaults, (property, problem) => complain(['routes', String(at), property], problem)),
  );
  if (routes.some(({ kind }) => kind === 'all')) return routes;
  const documents = compile(DOCUMENTS, defaults, (property, problem) =>
    complain(['routes', property], problem),
  );
  return [...routes, documents];
}

function compile(
  route: RouteSettings,
  defaults: RouteDefaults,
  bad: (property: string, problem: string) => Error,
): Route {
  const { match, redirect, trim = '', cache } = route;
  if (match !== '' && !isPlainPath(match)) {
    throw bad(
      'match',
      `${JSON.stringify(match)} is no path such as '/api/' (all below it) or '/api' (it alone)`,
    );
  }
  if (trim !== '' && !match.startsWith(trim)) {
    throw bad('trim', `the path that it matches does not begin with ${JSON.stringify(trim)}`);
  }
  const methods = (route.methods ?? METHODS[route.handler])
    .map((method) => method.toUpperCase())
    .filter((method) => method !== NEVER_ANSWERED);
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
    methodsNamed: route.methods !== undefined,
    allow: [...all].join(', '),
    handler: route.handler,
    ...guardOf(route, defaults, bad),
    stream: route.stream !== undefined && route.stream !== false,
    validate: route.validate ?? defaults.web.signatures.enable,
    models: route.models,
    limits: { body: defaults.web.limits.body, upload: defaults.web.limits.upload, ...route.limits },
    redirect,
    // The path that the handler sees begins with a slash.
    trim: trim.endsWith('/') ? trim.length - 1 : trim.length,
    compressed: route.compressed,
    cacheControl: cache ? cacheControlOf(cache) : () => undefined,
  };
}

/** Who is let in, and how. */
function guardOf(
  route: RouteSettings,
  { web, roles }: RouteDefaults,
  bad: (property: string, problem: string) => Error,
): Pick<Route, 'role' | 'authType' | 'algorithm' | 'xsrf'> {
  const asked = route.role ?? route.can;
  const role = asked === 'public' ? undefined : asked;
  if (role !== undefined && !mayAnybody(roles, role)) {
    throw bad(
      route.role === undefined ? 'can' : 'role',
      `no role of auth.roles is or may ${JSON.stringify(role)}`,
    );
  }
  const named = route.authType ?? web.auth.authType;
  const authType = named === 'form' ? 'session' : named;
  if (role !== undefined && authType === 'none')
    throw bad('authType', "is 'none', and nobody could have the role");
  if (role !== undefined && authType === 'session' && !web.sessions.enable) {
    throw bad('authType', "is 'session', and sessions.enable is false: name basic or digest");
  }
  return {
    ...{ role, authType },
    algorithm: route.algorithm ?? web.auth.algorithm,
    xsrf: route.xsrf ?? (role !== undefined && authType === 'session'),
  };
}

function cacheControlOf({ maxAge, directives, extensions }: NonNullable<RouteSettings['cache']>) {
  const seconds = !maxAge ? [] : [`max-age=${Math.min(Math.floor(maxAge / 1000), 31_536_000)}`];
  const value = [...seconds, ...(directives ? [directives] : [])].join(', ');
  const endings =
    extensions && new Set(extensions.map((ending) => `.${ending.replace(/^\./, '').toLowerCase()}`));
  return (file: string) =>
    value !== '' && (!endings || endings.has(extname(file).toLowerCase())) ? value : undefined;
}
