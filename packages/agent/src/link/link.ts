import {
  Backoff,
  type Clock,
  type Component,
  type Emitter,
  isCodedError,
  type Logger,
  messageOf,
} from '@ioto/runtime';
import type { AgentEvents } from '../agent-events.ts';
import type { AgentSettings } from '../config.ts';
import type { ProvisionFile } from '../identity/provision-file.ts';
import type { ConnectionEnd } from '../services/mqtt/refusal.ts';
import { Pause } from './pause.ts';
import { nextStep, retryDelay, type Standing, type Step } from './plan.ts';

/** The steps that the link takes; each is a service's. One that is not there is switched off. */
export interface LinkSteps {
  register?: {
    /** One register call; saves its answer. `held` is true when a long poll ran its full time. */
    call(wait: number, signal: AbortSignal): Promise<{ claimed: boolean; held: boolean }>;
  };
  provision?: {
    /** Obtains and saves a certificate. */
    call(signal: AbortSignal): Promise<void>;
  };
  mqtt?: {
    /** Connects and stays so. */
    connect(signal: AbortSignal): Promise<ConnectionEnd & { lasted: number }>;
    disconnect(reason: string): void;
  };
}

export interface LinkOptions {
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  random: () => number;
  settings: Pick<AgentSettings, 'register' | 'mqtt'>;
  id: string;
  provisionFile: ProvisionFile;
  steps: LinkSteps;
  /** By the cloud's clock. */
  now: () => number;
}

/** A connection that held this long counts as a success, in milliseconds. */
const STABLE = 60_000;
/** Closes without a word after which the builder is asked whether the device is still claimed. */
const SILENT_REFUSALS = 3;
/** How long the device stays away when the cloud closes it for excessive traffic, in milliseconds. */
const BANISHED = 3_600_000;

/** Provision calls in a row that fail before the builder is asked again, which may know another address of the cloud. */
const PATIENCE = 5;

/** Statuses by which a cloud says that the claim which its token was for is over, or its token no good. */
const CLAIM_VOID = new Set([401, 403, 404, 409, 410]);

/** The way to the cloud, walked step by step in the background: register, provision, connect, and again whatever broke. */
export class Link implements Component {
  readonly name = 'link';
  readonly #options: LinkOptions;
  readonly #pause: Pause;
  readonly #backoffs: Record<'register' | 'provision' | 'connect', Backoff>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #refused = false;
  #reissue = false;
  /** Another was asked for because the certificate has ended; what that led to is tried first. */
  #askedAtEnd = false;
  #silent = 0;
  #failures = 0;
  #asked = false;
  /** Ends the call that the builder holds. */
  #held: AbortController | undefined;
  #firstConnect = true;
  #banishedUntil = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
    const { register, mqtt } = options.settings;
    const backoff = (first: number, limit: number, jitter: number) =>
      new Backoff({ first, limit, jitter, random: options.random });
    this.#backoffs = {
      register: backoff(register.first, register.limit, 0.2),
      provision: backoff(register.first, register.limit, 0.2),
      connect: backoff(mqtt.first, mqtt.limit, 0.5),
    };
  }

  async start(): Promise<void> {
    await this.#options.provisionFile
      .reconcile()
      .catch((error) => this.#warn(error, 'files of a certificate that is given up could not be removed'));
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent stops'));
    await this.#running;
  }

  /** Ends the present backoff, or a call that the builder holds, at once, and the delays start over from the first. */
  wake(): void {
    for (const backoff of Object.values(this.#backoffs)) backoff.reset();
    this.#banishedUntil = 0;
    this.#pause.wake();
    this.#held?.abort();
  }

  /**
   * Gives up owner and certificate, durably, and begins anew. Resolves when they are forgotten; the connection is closed
   * a moment later, so that what asked for it can still be acknowledged.
   */
  async release(reason: 'message' | 'command'): Promise<void> {
    await this.#forget(reason);
    setImmediate(() => this.#options.steps.mqtt?.disconnect('the device was released'));
  }

  /** The cloud will close, or has closed, the connection for excessive traffic. */
  banish(): void {
    this.#banishedUntil = this.#options.clock.now() + BANISHED;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const step = nextStep(this.#standing());
      if (step === 'rest') return;
      try {
        const wait = await this.#take(step, signal);
        if (wait > 0) await this.#pause.wait(wait, signal);
      } catch (error) {
        if (!signal.aborted) this.#warn(error, 'a step towards the cloud failed');
      }
    }
  }

  #standing(): Standing {
    const { provisionFile, steps } = this.#options;
    const { api, token } = provisionFile.record;
    return {
      register: steps.register !== undefined,
      provision: steps.provision !== undefined,
      mqtt: steps.mqtt !== undefined,
      certificate: provisionFile.hasCertificate,
      claimed: api !== undefined && token !== undefined,
      refused: this.#refused,
      reissue: this.#reissue,
      expired: this.#hasEnded && !this.#askedAtEnd,
    };
  }

  get #hasEnded(): boolean {
    const { provisionFile, now } = this.#options;
    return provisionFile.hasCertificate && Date.parse(provisionFile.record.expires ?? '') <= now();
  }

  /** Milliseconds to wait before the next step. */
  async #take(step: Exclude<Step, 'rest'>, signal: AbortSignal): Promise<number> {
    try {
      if (step === 'register') return await this.#register(signal);
      if (step === 'provision') return await this.#provision(signal);
      if (step === 'confirm') return await this.#confirm(signal);
      return await this.#connect(signal);
    } catch (error) {
      signal.throwIfAborted();
      const backoff =
        step === 'confirm' || step === 'connect' ? this.#backoffs.connect : this.#backoffs[step];
      return this.#retry(step, error, backoff);
    }
  }

  async #register(signal: AbortSignal): Promise<number> {
    const { register } = this.#options.settings;
    // The call at power-on is answered at once and says where the device stands; the next may be held until the claim.
    const polling = this.#asked && register.wait > 0;
    const answer = await (polling
      ? this.#poll(register.wait, signal)
      : this.#step('register').call(0, signal));
    if (!answer) {
      this.#asked = false;
      return 0;
    }
    const { claimed, held } = answer;
    const begins = !this.#asked;
    this.#asked = true;
    if (claimed) {
      this.#backoffs.register.reset();
      return 0;
    }
    if (held) this.#backoffs.register.reset();
    const poll = register.wait > 0 && (begins || held);
    const retryIn = poll ? 0 : this.#backoffs.register.next();
    this.#options.events.emit('device:waiting', { id: this.#options.id, retryIn, polling: poll });
    return retryIn;
  }

  /** A call that the builder holds; undefined when `wake` has ended it. */
  async #poll(wait: number, signal: AbortSignal) {
    const held = new AbortController();
    this.#held = held;
    try {
      return await this.#step('register').call(wait, AbortSignal.any([signal, held.signal]));
    } catch (error) {
      if (held.signal.aborted && !signal.aborted) return undefined;
      throw error;
    } finally {
      this.#held = undefined;
    }
  }

  async #provision(signal: AbortSignal): Promise<number> {
    const { provisionFile, logger } = this.#options;
    const reissue = this.#reissue;
    const ended = !reissue && this.#hasEnded;
    this.#reissue = false;
    this.#askedAtEnd = ended;
    if (ended) logger.warn({}, 'the certificate of this device has ended: it asks for another');
    try {
      await this.#step('provision').call(signal);
      this.#backoffs.provision.reset();
      this.#failures = 0;
      return reissue ? this.#backoffs.connect.next() : 0;
    } catch (error) {
      signal.throwIfAborted();
      this.#failures += 1;
      const isVoid = isCodedError(error) && CLAIM_VOID.has(error.status ?? 0);
      const asks = isVoid || this.#failures % PATIENCE === 0;
      // The cloud may not have the device any more, and then only the builder knows.
      if (ended && isVoid) this.#refused = true;
      if (asks && !provisionFile.hasCertificate) await provisionFile.saveRegistration({ registered: true });
      throw error;
    }
  }

  /** Asks whether the device is still claimed; forgets its identity only on an answer that says it is not. */
  async #confirm(signal: AbortSignal): Promise<number> {
    const { provisionFile, logger } = this.#options;
    const { accountId } = provisionFile.record;
    this.#refused = false;
    const { claimed } = await this.#step('register').call(0, signal);
    if (!claimed) {
      logger.warn({}, 'the certificate was refused and the device is not claimed any more: it begins anew');
      await this.#forget('unclaimed');
    } else if (provisionFile.record.accountId !== accountId) {
      logger.info({}, 'the device has a new owner');
    } else {
      this.#reissue = true;
    }
    return 0;
  }

  async #connect(signal: AbortSignal): Promise<number> {
    const { mqtt } = this.#options.settings;
    if (this.#firstConnect) await this.#pause.wait(mqtt.delay, signal);
    this.#firstConnect = false;
    const end = await this.#step('mqtt').connect(signal);
    if (end.kind === 'ended') return 0;
    if (end.lasted >= STABLE) this.#backoffs.connect.reset();
    if (end.lasted > 0) this.#askedAtEnd = false;
    this.#silent = end.kind === 'unanswered' ? this.#silent + 1 : 0;
    this.#refused = end.kind === 'refused' || this.#silent >= SILENT_REFUSALS;
    if (this.#refused) this.#silent = 0;
    const banished = this.#banishedUntil - this.#options.clock.now();
    return this.#retry('connect', end, this.#backoffs.connect, banished > 0 ? banished : undefined);
  }

  async #forget(reason: 'message' | 'command' | 'unclaimed'): Promise<void> {
    const { provisionFile, events, id } = this.#options;
    this.#refused = false;
    this.#reissue = false;
    this.#askedAtEnd = false;
    this.#asked = false;
    await provisionFile.forget();
    events.emit('device:released', { id, reason });
  }

  #retry(step: Exclude<Step, 'rest'>, problem: unknown, backoff: Backoff, asked?: number): number {
    const { events, random } = this.#options;
    const { code, retryAfter } = problem as { code?: string; retryAfter?: number };
    const retryIn = retryDelay(asked ?? retryAfter, backoff.next(), random());
    const message = (problem as { message?: string }).message ?? messageOf(problem);
    events.emit('cloud:retry', { step, code: code ?? 'UNEXPECTED', message, retryIn });
    return retryIn;
  }

  #step<K extends keyof LinkSteps>(name: K): NonNullable<LinkSteps[K]> {
    const step = this.#options.steps[name];
    if (!step) throw new Error(`the plan asked for ${name}, which is off`);
    return step;
  }

  #warn(error: unknown, message: string): void {
    this.#options.logger.error({ error: messageOf(error) }, message);
  }
}
