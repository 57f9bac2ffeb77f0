import {
  parseToken,
  parseUpdate,
  ShadowError,
  type ShadowNews,
  type ShadowVerb,
  shadowRefusal,
  shadowTopic,
  shadowUnknown,
  shownShadow,
} from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import type { DeviceEndpoint, EndpointPrincipal } from '../ports/device-endpoint.ts';
import { InFlight } from './in-flight.ts';
import type { ShadowRef } from './shadow-item.ts';
import { SHADOW_QUOTAS } from './shadow-quotas.ts';
import type { ShadowRecords } from './shadow-records.ts';

export interface ShadowDeskOptions {
  records: ShadowRecords;
  endpoint: Pick<DeviceEndpoint, 'publish' | 'hasSubscribers'>;
  /** Seconds since 1970. */
  now: () => number;
  logger: Logger;
}

/** Who asks about a shadow, and by which way. */
export interface ShadowCaller {
  principal: EndpointPrincipal;
  /** Of its connection, or of the account where connections do not tell: requests that are not answered are counted by it. */
  line: string;
}

/**
 * Answers about shadows, and tells of what was changed: the same for a message and for a request over HTTP. What is told,
 * is told once it is durable. Every method returns the body of the answer, and throws ShadowError.
 */
export class ShadowDesk {
  readonly #options: ShadowDeskOptions;
  readonly #inFlight = new InFlight(SHADOW_QUOTAS.inFlight);

  constructor(options: ShadowDeskOptions) {
    this.#options = options;
  }

  get(caller: ShadowCaller, ref: ShadowRef, payload: Buffer): Promise<string> {
    const token = parseToken(payload);
    return this.#carryOut(caller, ref, token, async () => {
      const { records, now } = this.#options;
      const record = await records.get(ref);
      if (!record) throw shadowUnknown(ref.thing, ref.name, token);
      return JSON.stringify(shownShadow(record, now(), token));
    });
  }

  update(caller: ShadowCaller, ref: ShadowRef, payload: Buffer): Promise<string> {
    const update = parseUpdate(payload);
    return this.#carryOut(caller, ref, update.clientToken, async () => {
      const plan = await this.#options.records.update(caller.principal, ref, update);
      const accepted = JSON.stringify(plan.accepted);
      const { delta } = plan;
      this.tell(ref, 'update', 'accepted', () => accepted);
      if (delta) this.tell(ref, 'update', 'delta', () => JSON.stringify(delta));
      this.tell(ref, 'update', 'documents', () => JSON.stringify(plan.documents));
      return accepted;
    });
  }

  remove(caller: ShadowCaller, ref: ShadowRef, payload: Buffer): Promise<string> {
    const token = parseToken(payload);
    return this.#carryOut(caller, ref, token, async () => {
      const { records, now } = this.#options;
      const actor = actorOf(caller.principal);
      const version = await records.remove(caller.principal, ref, { actor, token });
      const clientToken = token === undefined ? {} : { clientToken: token };
      const accepted = JSON.stringify({ version, timestamp: now(), ...clientToken });
      this.tell(ref, 'delete', 'accepted', () => accepted);
      return accepted;
    });
  }

  /** Tells whoever listens; `body` is asked for only then. */
  tell({ thing, name }: ShadowRef, verb: ShadowVerb, news: ShadowNews, body: () => string): void {
    const { endpoint, logger } = this.#options;
    const topic = shadowTopic.news(thing, name, verb, news);
    if (!endpoint.hasSubscribers(topic)) return;
    try {
      endpoint.publish(topic, body());
    } catch (error) {
      // The request is done; whoever misses a message can ask for the shadow.
      logger.warn({ topic, error: messageOf(error) }, 'cannot tell of a shadow');
    }
  }

  async #carryOut(
    { line }: ShadowCaller,
    { thing }: ShadowRef,
    token: string | undefined,
    request: () => Promise<string>,
  ): Promise<string> {
    const leave = this.#inFlight.enter(`${line} ${thing}`);
    if (!leave) throw shadowRefusal.busy(token);
    try {
      return await request();
    } catch (error) {
      if (error instanceof ShadowError) throw error;
      this.#options.logger.error({ thing, error: messageOf(error) }, 'a request about a shadow failed');
      throw shadowRefusal.failed(token, error);
    } finally {
      leave();
    }
  }
}

/** For the audit record, which is for what people and their tools do. */
function actorOf(principal: EndpointPrincipal): string | undefined {
  if (principal.kind === 'device') return undefined;
  const { sponsor } = principal;
  if (sponsor.by === 'admin') return 'admin';
  return sponsor.by === 'login' ? `user:${sponsor.userId}` : `token:${sponsor.tokenId}`;
}
