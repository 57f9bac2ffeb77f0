import { messageOf } from '@ioto/runtime';
import { SYNC_GENERATION } from '../database/agent-models.ts';
import { type CompareTerms, Comparison, type ComparisonOptions } from './comparison.ts';

export interface DigestCheckOptions extends ComparisonOptions {
  random: () => number;
  /** Milliseconds from one comparison to the next; 0 for none. */
  every: number;
}

/** Milliseconds after the connection within which one that is due begins: not all devices of a fleet at once. */
const SPREAD = 60_000;

/** Compares the device's tables with the cloud's from time to time, and at once after a salvage of the database. */
export class DigestCheck {
  readonly #options: DigestCheckOptions;
  #connection: AbortController | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: DigestCheckOptions) {
    this.#options = options;
  }

  /** Connected, and in step as far as a sync down tells: compares when that is due. */
  ready(terms: Omit<CompareTerms, 'signal'>): void {
    const { clock, database, every, random } = this.#options;
    this.stop();
    if (!(every > 0 && Number.isFinite(every))) return;
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    // Never, or before the clock was set back. A salvage forgets it with the rest of the item.
    const checked = Date.parse(String(database.get(SYNC_GENERATION, {})?.checked));
    const isDue = !(checked <= clock.now() && checked + every > clock.now());
    if (isDue && database.stats.salvaged) this.#schedule(0, { ...terms, signal });
    else {
      const due = isDue ? clock.now() : checked + every;
      this.#schedule(due - clock.now() + random() * Math.min(SPREAD, every), { ...terms, signal });
    }
  }

  /** The connection ended. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#connection?.abort(new Error('the connection ended'));
    this.#connection = undefined;
  }

  #schedule(wait: number, terms: CompareTerms): void {
    const { clock, logger, every, random } = this.#options;
    const begin = async () => {
      try {
        await new Comparison(this.#options, terms).run();
        await this.#note();
      } catch (error) {
        logger.debug({ error: messageOf(error) }, 'the comparison with the cloud ended early');
      }
      if (!terms.signal.aborted) this.#schedule(every * (0.9 + random() * 0.2), terms);
    };
    this.#cancel = clock.after(wait, () => void begin(), { unref: true });
  }

  /** When the last one was, with the name of the database that it was about. */
  async #note(): Promise<void> {
    const { clock, database } = this.#options;
    const id = database.get(SYNC_GENERATION, {})?.id;
    if (typeof id !== 'string') return;
    await database.upsert(SYNC_GENERATION, { id, checked: new Date(clock.now()).toISOString() });
  }
}
