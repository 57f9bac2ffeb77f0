import { webError } from '../errors.ts';
import type { WebContext } from '../web-context.ts';
import type { Gate } from './gate.ts';

export function openGate(_context: WebContext): Gate {
  return {
    admit: (_request, _response, { roles }) => {
      if (roles.length > 0) throw webError('WEB_SIGN_IN', 'sign in first');
      return {};
    },
    door: async () => false,
  };
}
