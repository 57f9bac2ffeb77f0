import type { Handler } from '../request-path/handlers.ts';
import { sendJson } from '../request-path/send.ts';
import type { ActionContext } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';

export function openActions({ headers }: WebContext): Handler {
  return async (request, response, _admission, action) => {
    const value = await action?.handler?.({
      path: request.path,
      body: request.body,
    } as unknown as ActionContext);
    sendJson(response, 200, headers, value ?? null);
  };
}
