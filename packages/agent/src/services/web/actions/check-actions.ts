import { mayAnybody } from '../auth/roles.ts';
import { allowedMethods } from '../request-path/allowed-methods.ts';
import { matchRoute } from '../routing/route.ts';
import type { WebContext } from '../web-context.ts';
import type { Action } from './action-table.ts';

type Checked = Pick<WebContext, 'routes' | 'roles' | 'logger' | 'web'>;

/** Warns about an action that nobody will ever reach, which its program may not notice. */
export function checkAction(action: Action, { routes, roles, logger, web }: Checked): void {
  const { path, options } = action;
  const route = matchRoute(routes, path);
  if (route.handler !== 'action' && route.kind !== 'all') {
    logger.warn(
      { path, route: route.match },
      "an action is never asked: its path belongs to a route with another handler; give the route handler: 'action'",
    );
  } else if (allowedMethods(route, action).methods.size === 1) {
    logger.warn(
      { path, route: route.match },
      'an action is never asked: its route names none of its methods',
    );
  }
  const { role } = options;
  if (role === undefined || role === 'public') return;
  if (!mayAnybody(roles, role)) {
    logger.warn({ path, role }, 'an action lets nobody in: no role of auth.roles is or may what it asks for');
  } else if (!web.sessions.enable && !['basic', 'digest'].includes(route.authType)) {
    logger.warn(
      { path, role },
      'an action lets nobody in: sessions.enable is false, and its route names neither basic nor digest',
    );
  }
}
