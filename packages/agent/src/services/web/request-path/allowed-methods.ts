import type { Action } from '../actions/action-table.ts';
import type { Route } from '../routing/route.ts';

const ACTION_METHODS = ['GET', 'HEAD', 'POST'];

/** The methods that a path answers, and as the header Allow names them. */
export interface Allowed {
  methods: ReadonlySet<string>;
  allow: string;
}

const kept = new WeakMap<Action, { route: Route; allowed: Allowed }>();

/**
 * What a route with its action answers: the action's methods, those of them that the route names where it names some. HEAD
 * where GET, and OPTIONS always where there is an action.
 */
export function allowedMethods(route: Route, action: Action | undefined): Allowed {
  if (!action) return route;
  const known = kept.get(action);
  if (known?.route === route) return known.allowed;
  const own = action.options.methods?.map((method) => method.toUpperCase());
  const named = route.handler === 'action' && route.methodsNamed ? route.methods : undefined;
  const both =
    own && named ? own.filter((method) => named.has(method)) : (own ?? [...(named ?? ACTION_METHODS)]);
  const methods = new Set([...both, ...(both.includes('GET') ? ['HEAD'] : []), 'OPTIONS']);
  const allowed = { methods, allow: [...methods].join(', ') };
  kept.set(action, { route, allowed });
  return allowed;
}
