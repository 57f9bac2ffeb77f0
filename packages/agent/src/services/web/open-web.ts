import { CodedError } from '@ioto/runtime';
import type { ActionTable } from './actions/action-table.ts';
import type { ActionHandler, ActionOptions, SocketHandler, Web } from './web-api.ts';

/** What of the service there is only while it runs. */
export type RunningWeb = Pick<Web, 'addresses' | 'users'>;

export interface WebParts {
  actions: ActionTable;
  /** Undefined while there is none. */
  running: () => RunningWeb | undefined;
  /** @throws SERVICE_OFF, AGENT_NOT_READY */
  needed: () => RunningWeb;
}

/** `agent.web`, which takes actions before the agent starts. */
export function openWeb({ actions, running, needed }: WebParts): Web {
  return {
    get addresses() {
      return running()?.addresses ?? [];
    },
    get users() {
      return needed().users;
    },
    action(path: string, first: ActionOptions | ActionHandler, second?: ActionHandler) {
      const { options, handler } = told(path, first, second);
      return actions.add({ path, options, handler });
    },
    socket(path: string, first: ActionOptions | SocketHandler, second?: SocketHandler) {
      const { options, handler } = told(path, first, second);
      return actions.add({ path, options, socket: handler });
    },
  };
}

function told<H>(
  path: string,
  first: ActionOptions | H,
  second: H | undefined,
): { options: ActionOptions; handler: H } {
  const [options, handler] =
    typeof first === 'function' ? [{}, first as H] : [first as ActionOptions, second];
  if (typeof handler === 'function') return { options, handler };
  throw new CodedError('WEB_ACTION_PATH', `${path} has no handler: a function is the last argument`);
}
