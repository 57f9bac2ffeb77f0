import { mayAnybody } from '../auth/roles.ts';
import { matchRoute } from '../routing/route.ts';
import type { WebContext } from '../web-context.ts';

/** Warns about actions that nobody will ever reach, which their program may not notice. */
export function checkActions({ actions, routes, roles, logger }: WebContext): void {
  for (const { path, options } of actions.all) {
    const { handler, kind, match } = matchRoute(routes, path);
    if (handler !== 'action' && kind !== 'all') {
      logger.warn(
        { path, route: match },
        "an action is never asked: its path belongs to a route with another handler; give the route handler: 'action'",
      );
    }
    const { role } = options;
    if (role !== undefined && role !== 'public' && !mayAnybody(roles, role)) {
      logger.warn(
        { path, role },
        'an action lets nobody in: no role of auth.roles is or may what it asks for',
      );
    }
  }
}
