import {
  contentOf,
  type Database,
  type Item,
  type Model,
  type Properties,
  timeOf,
  versionOf,
  wireItem,
} from '@ioto/database';
import type { ChangeCommand, SyncVerb, Version, WireItem } from '@ioto/protocol';
import { isCodedError, type Logger, messageOf } from '@ioto/runtime';
import type { SyncConflict } from '../../agent-events.ts';
import type { Outgoing } from './batch.ts';
import { decideDown, type Own } from './merge-down.ts';

export type ItemVerb = Extract<SyncVerb, 'INSERT' | 'MODIFY' | 'UPSERT' | 'REMOVE'>;

export interface DownwardOptions {
  database: Database;
  logger: Logger;
  /** The cloud's item is older than the one held here. */
  sendBack(item: Outgoing): void;
  /** A change of the device's own that the cloud does not have was replaced by one of the cloud's. */
  conflict(conflict: SyncConflict, lost: Outgoing): void;
  /** The cloud's clock in milliseconds, as far as it is known. */
  cloudNow(): number | undefined;
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
   * @throws DATABASE_WRITE_FAILED, DATABASE_FULL and the like: the item is not kept and must come again.
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
    name: string,
    wire: WireItem,
  ): Promise<{ model: string; item: Item } | undefined> {
    const { database, sendBack, cloudNow } = this.#options;
    const model = database.schema.model(name);
    const properties = withKeyFields(model, wire);
    const own = this.#own(model, properties);
    const facts = { syncsUp: model.syncsUp, cloudNow: cloudNow() };
    const verdict = decideDown(model, own, { properties, version: incoming(cmd, model, properties) }, facts);
    if (verdict.kind === 'sendBack' && own) sendBack(own.outgoing);
    if (verdict.kind !== 'apply') return undefined;
    const { waits } = verdict;
    if (own?.version.waiting && !waits) this.#replaced(model, own, { cmd, properties });
    const change = { cmd, model: name, item: verdict.properties };
    const item = await database.apply(change, { waits, exempt: true });
    return { model: name, item: item ?? properties };
  }

  /** The item held here, or the memory of its removal. */
  #own(model: Model, properties: Properties): (Own & { outgoing: Outgoing }) | undefined {
    const { database } = this.#options;
    const key = model.keyOf(properties, database.context);
    const { sk } = key;
    const waiting = database.outbox.waitsFor(key);
    if (waiting) database.outbox.markKnown(key);
    const held = database.get(model.name, properties, { hidden: true });
    const version = held && versionOf(model, held);
    if (held && version) {
      const { pk: _pk, ...fields } = held;
      const item = wireItem({ ...fields, _type: model.name }, sk, model);
      return {
        version: { ...version, waiting },
        item: held,
        outgoing: { key: sk, model: model.name, cmd: 'upsert', item },
      };
    }
    const updated = held ? undefined : database.removedAt(model.name, properties);
    if (updated === undefined) return undefined;
    const named = model.keyVariables.map((variable) => [variable, properties[variable]]);
    const item: WireItem = { ...Object.fromEntries(named), _type: model.name, sk, updated };
    return {
      version: { updated, removed: true, waiting },
      outgoing: { key: sk, model: model.name, cmd: 'remove', item },
    };
  }

  /** Tells of a change that was not in the cloud yet and loses, unless the other says the same. */
  #replaced(
    model: Model,
    own: Own & { outgoing: Outgoing },
    { cmd, properties }: { cmd: ChangeCommand; properties: Properties },
  ): void {
    const removed = cmd === 'remove';
    const { version, item, outgoing } = own;
    if (removed ? version.removed : item && contentOf(model, item) === contentOf(model, properties)) return;
    const kept = { updated: timeOf(properties.updated) ?? '', removed };
    const lost = { updated: version.updated, removed: version.removed ?? false, item };
    this.#options.conflict({ model: model.name, key: outgoing.key, kept, lost }, outgoing);
  }

  #modelSync(model: string): string {
    return this.#options.database.schema.models.get(model)?.sync ?? 'none';
  }
}

/** The version that comes; undefined without a time of its own. */
function incoming(cmd: ChangeCommand, model: Model, properties: Properties): Version | undefined {
  if (cmd !== 'remove') return versionOf(model, properties);
  const updated = timeOf(properties.updated);
  return updated === undefined ? undefined : { updated, removed: true };
}

/** A removal may carry no more than its `sk`; the fields that make the key are read back from it. */
function withKeyFields(model: Model, wire: WireItem): Properties {
  const { pk: _notOurs, ...properties } = wire as Record<string, unknown>;
  const fromKey = typeof wire.sk === 'string' ? model.parseSortKey(wire.sk) : {};
  return { ...fromKey, ...properties };
}
