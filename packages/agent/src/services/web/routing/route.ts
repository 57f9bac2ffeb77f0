import type { AgentSettings } from '../../../config.ts';

export type RouteSettings = AgentSettings['web']['routes'][number];

/** A route as it was compiled from the settings. */
export interface Route {
  /** As it was written. */
  readonly match: string;
  /** All below the path, the path alone, or every path. */
  readonly kind: 'prefix' | 'exact' | 'all';
  readonly methods: ReadonlySet<string>;
  /** Whether the settings name them. */
  readonly methodsNamed: boolean;
  /** The methods as the header Allow names them. */
  readonly allow: string;
  readonly handler: RouteSettings['handler'];
  /** Role or ability that is needed; undefined: anybody may. */
  readonly role: string | undefined;
  readonly authType: 'session' | 'basic' | 'digest' | 'none';
  /** Of digest authentication. */
  readonly algorithm: NonNullable<RouteSettings['algorithm']>;
  /** What changes something needs the token of the session, where a session is what lets it in. */
  readonly xsrf: boolean;
  /** Bodies are handed to the action unread. */
  readonly stream: boolean;
  /** Requests and answers are checked by the signatures. */
  readonly validate: boolean;
  /** Models that the database is shown of; undefined: those whose process says so. */
  readonly models: readonly string[] | undefined;
  /** Bytes. */
  readonly limits: { readonly body: number; readonly upload: number };
  /** Where it sends everything; with a role, pages that nobody has signed in for. */
  readonly redirect: string | undefined;
  /** Characters at the beginning of the path that the handler does not see. */
  readonly trim: number;
  /** Whether FILE.br and FILE.gz stand for FILE. */
  readonly compressed: boolean;
  /** Cache-Control of a file of this name, where the route says one. */
  cacheControl(file: string): string | undefined;
}

/** The first route that a path belongs to. */
export function matchRoute(routes: readonly Route[], path: string): Route {
  for (const route of routes) {
    const { kind, match } = route;
    if (kind === 'all' || (kind === 'exact' ? path === match : path.startsWith(match))) return route;
  }
  throw new Error('the last route matches everything');
}

/**
 * The route that a path has to be let in by: its own; or, where that one asks for nothing, that of the file which is really
 * sent, the `index` of a directory or what a compressed file was made of, or that of the front page whose `index` it is.
 */
export function guardingRoute(routes: readonly Route[], path: string, index: string): Route {
  const route = matchRoute(routes, path);
  if (route.role !== undefined) return route;
  const meant = path.endsWith('/') ? `${path}${index}` : path.replace(/\.(?:br|gz)$/, '');
  const other = meant === path ? route : matchRoute(routes, meant);
  if (other.role !== undefined) return other;
  // The route of any other directory has all within it.
  const front = meant === `/${index}` && route.kind !== 'exact' ? matchRoute(routes, '/') : route;
  return front.kind === 'exact' && front.role !== undefined && front.handler === 'file' ? front : route;
}
