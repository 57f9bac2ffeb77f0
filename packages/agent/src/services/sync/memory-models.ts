import type { Database } from '@ioto/database';
import { MEMORY_NOTE } from '../database/agent-models.ts';

/**
 * Models that sync down and live in memory only, as Broadcast does: a restart takes their items, though the device has them as
 * far as the cloud knows. Where there were any, the first sync down of a run asks for everything.
 */
export class MemoryModels {
  readonly #database: Database;
  #isNoted: boolean;
  #isFilled = false;

  constructor(database: Database) {
    this.#database = database;
    this.#isNoted = database.schema.models.has(MEMORY_NOTE) && database.get(MEMORY_NOTE, {}) !== undefined;
  }

  /** True while items may be missing. */
  get isEmptied(): boolean {
    return this.#isNoted && !this.#isFilled;
  }

  /** A sync down is complete. */
  filled(): void {
    this.#isFilled = true;
  }

  /** An item of the model came; resolves when that is noted, before the item counts as received. */
  async received(model: string): Promise<void> {
    const { schema } = this.#database;
    if (this.#isNoted || this.#database.durabilityOf(model) !== 'mem') return;
    if (!schema.models.has(MEMORY_NOTE)) return;
    await this.#database.upsert(MEMORY_NOTE, {}, { exempt: true });
    this.#isNoted = true;
    // Of this run nothing is missing.
    this.#isFilled = true;
  }
}
