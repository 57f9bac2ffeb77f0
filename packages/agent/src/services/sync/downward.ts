import type { Database, Item, Properties } from '@ioto/database';
import type { ChangeCommand, SyncVerb, WireItem } from '@ioto/protocol';
import { isCodedError, type Logger, messageOf } from '@ioto/runtime';
import type { Outgoing } from './batch.ts';
import { decide, timeOf } from './decide.ts';

export type ItemVerb = Extract<SyncVerb, 'INSERT' | 'MODIFY' | 'UPSERT' | 'REMOVE'>;

export interface DownwardOptions {
  database: Database;
  logger: Logger;
  /** The cloud's item is older than the one held here. */
  sendBack(item: Outgoing): void;
}

/** Whole items travel down, so that an insert of what is there and a modification of what is not are both an upsert. */
const COMMANDS: Record<ItemVerb, ChangeCommand> = {
  INSERT: 'upsert',
  MODIFY: 'upsert',
  UPSERT: 'upsert',
  REMOVE: 'remove',
};

/** Items on their way from the cloud into the database. */
export class Downward {
  readonly #options: DownwardOptions;

  constructor(options: DownwardOptions) {
    this.#options = options;
  }

  /**
   * Applies one item unless what is held here is newer. Resolves with the item as it now stands when it was applied,
   * durably. What this schema does not know, or does not sync, is dropped with a warning.
   *
   * @throws DATABASE_WRITE_FAILED and the like: the item is not kept and must come again.
   */
  async receive(verb: ItemVerb, wire: WireItem): Promise<{ model: string; item: Item } | undefined> {
    const model = typeof wire._type === 'string' ? wire._type : '';
    try {
      if (this.#modelSync(model) === 'none')
        throw new Error(`this device does not sync ${model || 'items without _type'}`);
      return await this.#apply(COMMANDS[verb], model, wire);
    } catch (error) {
      if (isCodedError(error) && (error.status ?? 500) >= 500) throw error;
      this.#options.logger.warn({ model, error: messageOf(error) }, 'dropped an item of the cloud');
      return undefined;
    }
  }

  async #apply(
    cmd: ChangeCommand,
    model: string,
    wire: WireItem,
  ): Promise<{ model: string; item: Item } | undefined> {
    const { database, sendBack } = this.#options;
    const properties = this.#withKeyFields(model, wire);
    const own = this.#own(model, properties);
    const decision = decide(timeOf(own?.item.updated), timeOf(wire.updated));
    if (decision === 'sendBack' && own) sendBack(own);
    if (decision !== 'apply') return undefined;
    const item = await database.apply({ cmd, model, item: properties });
    return { model, item: item ?? properties };
  }

  /** A removal may carry no more than its `sk`; the fields that make the key are read back from it. */
  #withKeyFields(model: string, wire: WireItem): Properties {
    const { pk: _notOurs, ...properties } = wire as Record<string, unknown>;
    const fromKey =
      typeof wire.sk === 'string' ? this.#options.database.schema.model(model).parseSortKey(wire.sk) : {};
    return { ...fromKey, ...properties };
  }

  /** The item held here, or its removal that is still on its way up. */
  #own(model: string, properties: Properties): (Outgoing & { item: WireItem }) | undefined {
    const { database } = this.#options;
    const key = database.schema.model(model).keyOf(properties, database.context);
    const { sk } = key;
    const held = database.get(model, properties, { hidden: true });
    if (held) return { key: sk, model, cmd: 'upsert', item: { ...held, _type: model, sk } as WireItem };
    const waiting = database.outbox.entryOf(key);
    return waiting?.cmd === 'remove' ? waiting : undefined;
  }

  #modelSync(model: string): string {
    return this.#options.database.schema.models.get(model)?.sync ?? 'none';
  }
}
