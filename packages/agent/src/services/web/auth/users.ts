import type { WebUsers } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';

/** `agent.web.users` */
export function openUsers(_context: WebContext): WebUsers {
  return { list: async () => [], put: async () => undefined, remove: async () => undefined };
}
