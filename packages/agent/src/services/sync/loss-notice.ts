import type { Loss } from '@ioto/database';
import type { Clock, Emitter, Logger } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';

/** Milliseconds between two words of losses of one kind. */
const EVERY = 60_000;

export interface LossNoticeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter<AgentEvents>;
  /** How many changes of each model have been lost in all. */
  lost(): Readonly<Record<string, number>>;
}

interface Kind {
  readonly loss: Loss;
  /** Not told yet. */
  count: number;
  readonly cancel: () => void;
}

/** Tells of changes that were given up: of the first at once, of those that follow at most once a minute by model and reason. */
export class LossNotice {
  readonly #options: LossNoticeOptions;
  readonly #kinds = new Map<string, Kind>();

  constructor(options: LossNoticeOptions) {
    this.#options = options;
  }

  heard(loss: Loss): void {
    const name = `${loss.reason} ${loss.model}`;
    const kind = this.#kinds.get(name);
    if (kind) kind.count += loss.count;
    else this.#tell(name, loss);
  }

  /** Tells of what was not told yet. */
  stop(): void {
    for (const { loss, count, cancel } of this.#kinds.values()) {
      cancel();
      if (count > 0) this.#say({ ...loss, count });
    }
    this.#kinds.clear();
  }

  #tell(name: string, loss: Loss): void {
    const cancel = this.#options.clock.after(EVERY, () => this.#next(name), { unref: true });
    this.#kinds.set(name, { loss, count: 0, cancel });
    this.#say(loss);
  }

  #next(name: string): void {
    const kind = this.#kinds.get(name);
    this.#kinds.delete(name);
    if (kind && kind.count > 0) this.#tell(name, { ...kind.loss, count: kind.count });
  }

  #say({ model, count, reason }: Loss): void {
    const { logger, events, lost } = this.#options;
    const facts = { model, count, reason, total: lost()[model] ?? 0 };
    logger.warn(facts, 'gave up changes before the cloud had them');
    events.emit('sync:lost', facts);
  }
}
