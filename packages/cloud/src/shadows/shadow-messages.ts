import { isShadowName, parseShadowPath, ShadowError, shadowRefusal } from '@ioto/protocol';
import type { Logger } from '@ioto/runtime';
import type { ThingMessage } from '../reserved-topics/reserved-topics.ts';
import type { ShadowCaller, ShadowDesk } from './shadow-desk.ts';

export interface ShadowMessagesOptions {
  desk: ShadowDesk;
  /** Seconds since 1970. */
  now: () => number;
  logger: Logger;
}

/** Requests on `$aws/things/{thing}/shadow/…`; the answers go to `…/accepted` and `…/rejected`. */
export class ShadowMessages {
  readonly #options: ShadowMessagesOptions;

  constructor(options: ShadowMessagesOptions) {
    this.#options = options;
  }

  /** Never rejects: a request that cannot be carried out is answered with that. */
  readonly receive = async ({ from, thing, path, payload }: ThingMessage): Promise<void> => {
    const { desk, now, logger } = this.#options;
    const topic = parseShadowPath(path);
    if (!topic || topic.news !== undefined) {
      logger.debug(
        { accountId: from.accountId, thing, path: path.join('/').slice(0, 256) },
        'no such request',
      );
      return;
    }
    const { verb, name } = topic;
    const ref = { accountId: from.accountId, thing, ...(name === undefined ? {} : { name }) };
    const caller: ShadowCaller = { principal: from, line: from.kind === 'tool' ? from.sessionId : thing };
    try {
      if (name !== undefined && !isShadowName(name)) throw new ShadowError(400, 'Invalid shadow name');
      if (verb === 'update') await desk.update(caller, ref, payload);
      else if (verb === 'delete') await desk.remove(caller, ref, payload);
      else {
        const shown = await desk.get(caller, ref, payload);
        desk.tell(ref, 'get', 'accepted', () => shown);
      }
    } catch (error) {
      const refusal = error instanceof ShadowError ? error : shadowRefusal.failed();
      const { shadowCode: code, message, clientToken } = refusal;
      const token = clientToken === undefined ? {} : { clientToken };
      desk.tell(ref, verb, 'rejected', () => JSON.stringify({ code, message, timestamp: now(), ...token }));
    }
  };
}
