import { Backoff, type Clock, type Component, type Logger, messageOf, sleep } from '@ioto/runtime';
import type { DeviceRecords, Intent } from './device-records.ts';
import type { Turns } from './turns.ts';

export interface IntentReconcilerOptions {
  records: DeviceRecords;
  turns: Turns;
  settleClaim: (intent: Intent) => Promise<void>;
  carryOutRelease: (intent: Intent) => Promise<void>;
  clock: Clock;
  logger: Logger;
}

/** Looks after changes of hands that were cut short: by a crash, found at the start, or by a builder that could not be asked. */
export class IntentReconciler implements Component {
  readonly name = 'ownership reconciler';
  readonly #options: IntentReconcilerOptions;
  #stop: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(options: IntentReconcilerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const backoff = new Backoff({ first: 1000, limit: 60_000 });
    try {
      while (!signal.aborted) {
        const left = await this.reconcile(signal);
        if (left === 0) backoff.reset();
        // What is cut short while running is rare, and its user was told to try again: a look a minute is enough.
        await sleep(clock, left === 0 ? 60_000 : backoff.next(), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Goes once through what has begun and is not under way; returns how much could not be ended. */
  async reconcile(signal: AbortSignal): Promise<number> {
    const { records, turns, logger } = this.#options;
    let left = 0;
    try {
      for (const { deviceId } of await records.intents()) {
        if (signal.aborted) return left;
        await turns
          .run(deviceId, () => this.#settle(deviceId))
          .catch((error) => {
            left += 1;
            logger.warn({ deviceId, error: messageOf(error) }, 'a change of ownership waits to be ended');
          });
      }
    } catch (error) {
      left += 1;
      logger.error({ error: messageOf(error) }, 'cannot read the changes of ownership that have begun');
    }
    return left;
  }

  async #settle(deviceId: string): Promise<void> {
    // Read again within the turn: whoever had it before may have ended the intent.
    const intent = await this.#options.records.intent(deviceId);
    if (intent?.kind === 'claim') await this.#options.settleClaim(intent);
    if (intent?.kind === 'release') await this.#options.carryOutRelease(intent);
  }
}
