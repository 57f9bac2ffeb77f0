import type { Logger } from '@ioto/runtime';
import type { Route } from './route.ts';

/** Says which routes let anybody change what the device shows. */
export function warnOfOpenWrites(routes: readonly Route[], logger: Logger): void {
  for (const route of routes) {
    const { match, role } = route;
    if (role === undefined && writes(route)) {
      logger.warn(
        { match },
        'anybody who reaches the device may write by a route of web.json5: name a role for it',
      );
    }
  }
}

function writes({ handler, methods, models }: Route): boolean {
  const has = (...names: string[]) => names.some((name) => methods.has(name));
  if (handler === 'file') return has('PUT', 'DELETE');
  if (handler === 'upload') return has('PUT', 'POST', 'DELETE');
  return handler === 'rest' && models !== undefined && has('PUT', 'POST', 'PATCH', 'DELETE');
}
