import { webError } from '../errors.ts';
import type { Handler } from '../request-path/handlers.ts';
import type { WebContext } from '../web-context.ts';

export function openRest(_context: WebContext): Handler {
  return () => {
    throw webError('WEB_NOT_FOUND', 'not there yet');
  };
}
