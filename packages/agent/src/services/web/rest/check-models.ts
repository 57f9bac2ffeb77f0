import { mayAnybody } from '../auth/roles.ts';
import type { WebContext } from '../web-context.ts';

/**
 * Holds what routes and the schema say of REST to what there is: a route to models, a model to roles.
 *
 * @throws what `complain` makes of a model that a route lists and the schema does not have.
 */
export function checkModels({ web, database, roles, logger, complain }: WebContext): void {
  const { schema } = database() ?? {};
  if (!schema) return;
  for (const [at, { models = [] }] of web.routes.entries()) {
    const unknown = models.find((name) => !schema.models.has(name));
    if (unknown === undefined) continue;
    const names = [...schema.models.keys()].join(', ');
    throw complain(['routes', String(at), 'models'], `the schema has no model ${unknown}: ${names}`);
  }
  for (const { name, web: rule } of schema.models.values()) {
    const wrong = [rule?.read, rule?.write].find(
      (role) => role !== undefined && role !== 'public' && !mayAnybody(roles, role),
    );
    if (wrong !== undefined) {
      logger.warn(
        { model: name, role: wrong },
        'REST lets nobody in to a model: no role of auth.roles is or may what it asks for',
      );
    }
  }
}
