import {
  isJsonObject,
  type Json,
  type JsonObject,
  type ShadowTopic,
  type ShadowVerb,
  shadowTopic,
} from '@ioto/protocol';
import type { Clock, Logger } from '@ioto/runtime';
import type { Publish } from '../mqtt/service.ts';
import type { LocalShadow } from './local-shadow.ts';
import type { Turns } from './turns.ts';

/** Milliseconds until a request is made again that had no answer, and, give or take a fifth, that the cloud had no time for. */
const AGAIN = 10_000;

export interface ExchangeOptions {
  thing: string;
  /** Absent for the classic shadow. */
  name?: string;
  local: LocalShadow;
  /** Of this device and this run: tells the answers to it from those to others. */
  newToken: () => string;
  clock: Clock;
  logger: Logger;
  random: () => number;
  /** Of the requests of all shadows. */
  turns: Turns;
  /** Something of it is to be kept. */
  changed(): void;
  /** There is a difference that was not told before. */
  differs(): void;
  /** The cloud has all that the device reports. */
  inStep(): void;
}

interface Request {
  verb: ShadowVerb;
  token: string;
  /** Of an update. */
  patch?: JsonObject;
}

/**
 * The conversation with the cloud about one shadow: on each connection it is fetched, and then told what the device has
 * reported and the cloud does not know. One request at a time: what is reported meanwhile goes with the next.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  #publish: Publish | undefined;
  #isFetched = false;
  #request: Request | undefined;
  #cancel: (() => void) | undefined;
  #hasTurn = false;
  readonly #again = () => this.goOn();

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  connected(publish: Publish): void {
    this.#publish = publish;
    this.#forget();
    this.#end();
    this.goOn();
  }

  disconnected(): void {
    this.#publish = undefined;
    this.#forget();
    this.#options.turns.leave(this.#again);
    this.#end();
  }

  /** Makes the next request, if there is one to be made. */
  goOn(): void {
    if (!this.#publish || this.#request || this.#cancel) return;
    const { local, turns, newToken, inStep } = this.#options;
    const patch = this.#isFetched ? local.patch : undefined;
    if (this.#isFetched && !patch) {
      inStep();
      return;
    }
    if (!turns.take(this.#again)) return;
    this.#hasTurn = true;
    if (patch) {
      local.sent(patch);
      this.#ask({ verb: 'update', token: newToken(), patch }, { state: { reported: patch } });
    } else this.#ask({ verb: 'get', token: newToken() }, {});
  }

  /** A message on one of the shadow's topics. */
  received({ verb, news }: ShadowTopic, message: JsonObject): void {
    const { local, changed, logger, name } = this.#options;
    const { version } = message;
    const own = this.#request && message.clientToken === this.#request.token ? this.#request : undefined;
    if (news === 'rejected') {
      if (own) this.#rejected(own, message);
    } else if (typeof version !== 'number') {
      logger.warn(
        { shadow: name, request: verb, news },
        'dropped a message about the shadow that has no version',
      );
    } else if (news === 'delta') {
      if (isJsonObject(message.state) && local.differs(message.state, version)) this.#options.differs();
    } else if (news === 'accepted' && verb === 'update') {
      if (own?.patch) local.accepted(own.patch, version);
      else local.updatedByOthers(message.state, version);
      changed();
      if (own) this.#end();
      this.goOn();
    } else if (news === 'accepted' && own) {
      this.#fetched(message, version);
    }
  }

  #fetched(message: JsonObject, version: number): void {
    const { local, changed, differs } = this.#options;
    local.fetched(sectionOf(message, 'reported'), sectionOf(message, 'delta'), version);
    this.#isFetched = true;
    changed();
    if (local.delta) differs();
    this.#settled();
  }

  #rejected({ verb }: Request, { code, message }: JsonObject): void {
    const { local, changed, logger, name } = this.#options;
    if (verb === 'get' && code === 404) {
      local.missing();
      this.#isFetched = true;
      changed();
      this.#settled();
      return;
    }
    this.#end();
    // Whether an update that failed within the cloud was taken nobody knows.
    if (verb === 'update' && code !== 500) local.refused();
    if (code === 429 || code === 500) {
      this.#later(AGAIN * (0.8 + 0.4 * this.#options.random()));
      return;
    }
    // It stays reported here, and goes up with the next change or connection.
    logger.warn(
      { shadow: name, request: verb, code, message },
      'the cloud rejects a request about the shadow',
    );
  }

  #ask(request: Request, body: { state?: { reported: Json } }): void {
    const { thing, name, clock } = this.#options;
    this.#request = request;
    // An answer that does not come: the request, or the answer, was lost on the way.
    this.#cancel = clock.after(AGAIN, () => {
      this.#end();
      this.#forget();
      this.goOn();
    });
    const topic = shadowTopic.request(thing, name, request.verb);
    // Without a connection there is no answer either; the next one begins anew.
    this.#publish?.(topic, JSON.stringify({ ...body, clientToken: request.token })).catch(() => undefined);
  }

  #settled(): void {
    this.#end();
    this.goOn();
  }

  /** What the cloud has is to be fetched. */
  #forget(): void {
    this.#isFetched = false;
    this.#options.local.lost();
  }

  #later(ms: number): void {
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#cancel = undefined;
      this.goOn();
    });
  }

  #end(): void {
    this.#request = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#hasTurn) return;
    this.#hasTurn = false;
    this.#options.turns.giveBack();
  }
}

function sectionOf({ state }: JsonObject, section: string): JsonObject | undefined {
  const value = isJsonObject(state) ? state[section] : undefined;
  return isJsonObject(value) ? value : undefined;
}
