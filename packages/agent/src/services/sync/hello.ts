import { randomBytes } from 'node:crypto';
import { type Database, schemaHash } from '@ioto/database';
import {
  SYNC_ABILITIES,
  SYNC_HELLO,
  type SyncAbility,
  type SyncHello,
  SyncHelloAnswer,
  type SyncPace,
} from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import { Check } from 'typebox/value';
import { SYNC_GENERATION } from '../database/agent-models.ts';
import type { Ask } from '../mqtt/requests.ts';

/** Milliseconds for which changes wait for the cloud's answer. */
const PATIENCE = 5000;

/** What device and cloud have agreed on for one connection. */
export interface SyncTerms {
  readonly can: ReadonlySet<SyncAbility>;
  readonly pace: SyncPace;
  /** Both read items by the same schema. */
  readonly isSameSchema: boolean;
  /** The cloud's clock, ISO 8601. */
  readonly time: string;
}

export interface HelloOptions {
  ask: Ask;
  database: Database;
  logger: Logger;
  /** True for a cloud of ours: another is asked nothing that its contract does not know. */
  isOurs(): boolean;
}

/** Asks a cloud of ours, once for each connection, what to do beyond the contract. */
export class Hello {
  readonly #options: HelloOptions;
  #schema: string | undefined;

  constructor(options: HelloOptions) {
    this.#options = options;
  }

  get isAsked(): boolean {
    return this.#options.isOurs();
  }

  /**
   * Resolves with what is agreed; with undefined, after five seconds at most, where the cloud does not answer, or in no
   * way that is understood: the contract then holds as it is.
   */
  async agree(): Promise<SyncTerms | undefined> {
    const { ask, logger } = this.#options;
    try {
      const text = await ask(SYNC_HELLO, await this.#words(), { timeout: PATIENCE });
      const answer: unknown = JSON.parse(text);
      if (!Check(SyncHelloAnswer, answer)) throw new Error('the answer is malformed');
      const can = new Set(SYNC_ABILITIES.filter((ability) => answer.can.includes(ability)));
      logger.debug({ can: [...can], through: answer.through }, 'agreed with the cloud how to sync');
      const { pace, schema, time } = answer;
      return { can, pace, time, isSameSchema: schema === this.#schema };
    } catch (error) {
      logger.debug({ error: messageOf(error) }, 'nothing agreed with the cloud: syncing by the contract');
      return undefined;
    }
  }

  async #words(): Promise<SyncHello> {
    const { database } = this.#options;
    const { outbox, schema } = database;
    this.#schema ??= schemaHash(schema);
    const generation = await this.#generation();
    return {
      v: 1,
      can: [...SYNC_ABILITIES],
      schema: this.#schema,
      generation,
      latest: outbox.latest,
      pending: outbox.size,
    };
  }

  /** Made at the first question of a database. */
  async #generation(): Promise<string> {
    const { database } = this.#options;
    const held = database.get(SYNC_GENERATION, {})?.id;
    if (typeof held === 'string') return held;
    const id = randomBytes(9).toString('base64url');
    await database.upsert(SYNC_GENERATION, { id }, { exempt: true });
    return id;
  }
}
