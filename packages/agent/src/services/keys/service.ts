import {
  Backoff,
  type Clock,
  CodedError,
  type Component,
  type Emitter,
  type Logger,
  messageOf,
} from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { ServerTime } from '../../cloud-api/server-time.ts';
import type { AwsEndpoints, AwsKeys, Keys } from '../../service-apis.ts';
import type { Fetched } from './credential-answer.ts';
import type { CredentialSource } from './credential-source.ts';
import { renewalTime } from './plan.ts';

export interface KeysServiceOptions {
  source: CredentialSource;
  serverTime: ServerTime;
  clock: Clock;
  events: Emitter<AgentEvents>;
  random: () => number;
  logger: Logger;
}

interface Held extends Fetched {
  standing: string;
  /** By the cloud's clock. */
  renewAt: number;
  /** Somebody took them: they are worth renewing before anybody asks. */
  used: boolean;
  refused: boolean;
}

/** Asking the cloud makes no sense before that time of the device's clock. */
interface Pause {
  standing: string;
  until: number;
  /** The cloud has asked for it: who has no credentials gets the error. Else a renewal failed that is not needed yet. */
  asked: boolean;
  error: unknown;
}

/** Delays before a renewal that failed is tried again while the present credentials hold. */
const AGAIN = { first: 15_000, limit: 5 * 60_000 };

/**
 * Service `keys`: credentials in memory alone, asked for when somebody needs them and, as long as somebody does, renewed
 * before they expire. What an owner had is not given to the next.
 */
export class KeysService implements Keys, Component {
  readonly name = 'keys';
  readonly #options: KeysServiceOptions;
  readonly #stopping = new AbortController();
  readonly #backoff: Backoff;
  #held: Held | undefined;
  #fetching: { standing: string; done: Promise<Held> } | undefined;
  #pause: Pause | undefined;
  #cancel: () => void = () => undefined;

  constructor(options: KeysServiceOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ ...AGAIN, random: options.random });
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#cancel();
    this.#stopping.abort(new CodedError('AGENT_STOPPED', 'the agent stops'));
    await this.#fetching?.done.catch(() => undefined);
  }

  get endpoints(): AwsEndpoints | undefined {
    return this.#held?.endpoints;
  }

  async get(): Promise<AwsKeys> {
    const { source, serverTime, clock } = this.#options;
    const standing = source.standing();
    const held = this.#held;
    const now = serverTime.now();
    const holds = held?.standing === standing && !held.refused && now < held.keys.expires;
    const pause = this.#pause?.standing === standing ? this.#pause : undefined;
    const waits = pause !== undefined && clock.now() < pause.until;
    if (holds && (now < held.renewAt || waits)) return take(held);
    if (waits && pause.asked) throw pause.error;
    try {
      return take(await this.#fetch(standing));
    } catch (error) {
      if (holds && serverTime.now() < held.keys.expires) return take(held);
      throw error;
    }
  }

  refused(keys: AwsKeys): void {
    const held = this.#held;
    if (held?.keys.accessKeyId !== keys.accessKeyId) return;
    held.refused = true;
    this.#cancel();
  }

  /** One call at a time for one owner. */
  #fetch(standing: string): Promise<Held> {
    if (this.#fetching?.standing === standing) return this.#fetching.done;
    const fetching = { standing, done: this.#fetchOnce(standing) };
    this.#fetching = fetching;
    const over = () => {
      if (this.#fetching === fetching) this.#fetching = undefined;
    };
    fetching.done.then(over, over);
    return fetching.done;
  }

  async #fetchOnce(standing: string): Promise<Held> {
    const { source, serverTime, events, random } = this.#options;
    try {
      const fetched = await source.fetch(this.#stopping.signal);
      const { region, expires } = fetched.keys;
      const renewAt = renewalTime({ now: serverTime.now(), expires, random: random() });
      const held = { ...fetched, standing, renewAt, used: false, refused: false };
      this.#held = held;
      this.#pause = undefined;
      this.#backoff.reset();
      this.#renewLater(renewAt - serverTime.now());
      events.emit('keys:renewed', { region, expires: new Date(expires).toISOString() });
      return held;
    } catch (error) {
      this.#failed(error, standing);
      throw error;
    }
  }

  #failed(error: unknown, standing: string): void {
    const { clock, serverTime } = this.#options;
    const asked = error instanceof CodedError ? error.retryAfter : undefined;
    const held = this.#held;
    const holds = held?.standing === standing && !held.refused && serverTime.now() < held.keys.expires;
    this.#pause = undefined;
    if (asked === undefined && !holds) return;
    const wait = asked ?? this.#backoff.next();
    this.#pause = { standing, until: clock.now() + wait, asked: asked !== undefined, error };
    if (holds) this.#renewLater(wait);
  }

  #renewLater(wait: number): void {
    const { clock } = this.#options;
    this.#cancel();
    if (!this.#stopping.signal.aborted) {
      this.#cancel = clock.after(Math.max(0, wait), () => void this.#renew(), { unref: true });
    }
  }

  /** Ahead of time, so that nobody has to wait; not for credentials that nobody took. */
  async #renew(): Promise<void> {
    const { source, logger } = this.#options;
    const held = this.#held;
    if (!held?.used || held.refused) return;
    try {
      if (source.standing() === held.standing) await this.#fetch(held.standing);
    } catch (error) {
      logger.debug({ error: messageOf(error) }, 'credentials could not be renewed yet');
    }
  }
}

function take(held: Held): AwsKeys {
  held.used = true;
  return held.keys;
}
