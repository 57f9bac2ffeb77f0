import type { Database, Item } from '@ioto/database';
import {
  AgreedSyncAck,
  parseLenientJson,
  SyncAck,
  SyncDownEnd,
  type SyncVerb,
  serviceTopic,
  WireItem,
} from '@ioto/protocol';
import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import { messageOf } from '@ioto/runtime';
import { Check } from 'typebox/value';
import type { AgentEvents } from '../../agent-events.ts';
import type { ConnectionUser, Publish } from '../mqtt/service.ts';
import type { Outgoing } from './batch.ts';
import { CloudClock } from './cloud-clock.ts';
import type { Commands } from './commands.ts';
import { Downward, type ItemVerb } from './downward.ts';
import type { Hello, SyncTerms } from './hello.ts';
import { leanForm } from './lean.ts';
import { LossNotice } from './loss-notice.ts';
import { MemoryModels } from './memory-models.ts';
import { adoptOwner, type Owner } from './owner.ts';
import { redate } from './redate.ts';
import { Upward, type UpwardTerms } from './upward.ts';

export interface SyncServiceOptions {
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  database: Database;
  id: string;
  /** Properties of the Device item that are the device's to say. */
  device: Readonly<Record<string, unknown>>;
  /** Milliseconds until what was not acknowledged is sent again. */
  resendAfter: number;
  /** Bytes of the largest message up. */
  maxBytes: number;
  commands: Commands;
  /** Agrees with a cloud of ours on what goes beyond the contract; without it nothing does. */
  hello?: Pick<Hello, 'isAsked' | 'agree'>;
}

/** Service `sync`: keeps the database and the cloud in step, both ways (Ioto contract §7, §8). */
export class SyncService implements Component, ConnectionUser {
  readonly name = 'sync';
  readonly #options: SyncServiceOptions;
  readonly #upward: Upward;
  readonly #downward: Downward;
  readonly #cloudClock: CloudClock;
  readonly #memory: MemoryModels;
  readonly #losses: LossNotice;
  #publish: Publish | undefined;
  /** Another with each connection. */
  #connection: object | undefined;
  /** Present from the request for a sync down until its end. */
  #cancelAsking: (() => void) | undefined;
  #off: readonly (() => void)[] = [];
  #accountId = '';

  constructor(options: SyncServiceOptions) {
    this.#options = options;
    const { clock, database, logger, events, resendAfter, maxBytes } = options;
    this.#upward = new Upward({
      clock,
      outbox: database.outbox,
      resendAfter,
      maxBytes,
      acknowledged: (seq, changes) =>
        events.emit('sync:up', { seq, changes: changes.map(({ model, key }) => ({ model, key })) }),
      redated: (change, updated) => this.#redated(change, updated),
      lost: () => database.outbox.lost(),
    });
    this.#cloudClock = new CloudClock(clock);
    this.#memory = new MemoryModels(database);
    this.#losses = new LossNotice({ clock, logger, events, lost: () => database.outbox.lost() });
    this.#downward = new Downward({
      database,
      logger,
      sendBack: (item) => this.#upward.sendBack(item),
      cloudNow: () => this.#cloudClock.now(),
    });
  }

  async start(): Promise<void> {
    const { outbox } = this.#options.database;
    this.#off = [
      outbox.onAppend(() => this.#upward.next()),
      outbox.onLost((loss) => this.#losses.heard(loss)),
    ];
  }

  async stop(): Promise<void> {
    for (const off of this.#off) off();
    this.#losses.stop();
    this.disconnected();
  }

  /** Makes the database that of this owner, before the device connects as theirs. */
  async prepare(owner: Owner): Promise<void> {
    await adoptOwner(this.#options.database, owner, this.#options.device);
    this.#accountId = owner.accountId;
  }

  connected(publish: Publish): void {
    const { hello } = this.#options;
    const connection = {};
    this.#publish = publish;
    this.#connection = connection;
    if (hello?.isAsked) {
      void hello.agree().then((terms) => {
        if (this.#connection === connection) this.#beginUp(terms);
      });
    } else this.#beginUp();
    this.#askDown();
  }

  disconnected(): void {
    this.#publish = undefined;
    this.#connection = undefined;
    this.#stopAsking();
    this.#upward.disconnected();
  }

  /** The cloud asked for less. */
  pause(ms: number): void {
    this.#upward.pause(ms);
  }

  /**
   * Handles one message; resolves when what it brought is durable. A message that cannot be understood is dropped: to
   * refuse it would only bring it again.
   */
  async receive(verb: SyncVerb, payload: Buffer): Promise<void> {
    const message = this.#parse(verb, payload);
    if (message === undefined) return;
    if (verb === 'SYNC') {
      // The contract's form is understood always: the cloud may not have heard the hello of this connection.
      if (Check(SyncAck, message) || Check(AgreedSyncAck, message)) this.#acknowledged(message);
    } else if (verb === 'SYNCDOWN') {
      if (Check(SyncDownEnd, message)) await this.#endDown(message);
    } else if (Check(WireItem, message)) {
      await this.#receiveItem(verb, message);
    }
  }

  #beginUp(agreed?: SyncTerms): void {
    const { id, database } = this.#options;
    const terms: UpwardTerms = {};
    if (agreed?.can.has('pace')) terms.pace = agreed.pace;
    if (agreed?.can.has('lean')) terms.form = leanForm(database);
    terms.hasReport = agreed?.can.has('through');
    this.#upward.connected((text) => this.#say(serviceTopic.syncUp(id), text), terms);
  }

  async #receiveItem(verb: ItemVerb, wire: WireItem): Promise<void> {
    const { commands, database, events } = this.#options;
    const applied = await this.#downward.receive(verb, wire);
    if (applied) {
      await this.#memory.received(applied.model);
      const cmd = verb.toLowerCase() as Lowercase<ItemVerb>;
      events.emit('sync:down', { cmd, model: applied.model, item: applied.item });
    }
    if (wire._type !== 'Command' || verb === 'REMOVE') return;
    // One that is there already may have been cut off between its being kept and its being acted on.
    const command = applied?.item ?? heldCommand(database, wire);
    if (command) await commands.run(command);
  }

  #acknowledged(ack: SyncAck | AgreedSyncAck): void {
    this.#cloudClock.heard(ack.updated);
    if ('all' in ack && ack.pace) this.#upward.pace(ack.pace);
    this.#upward.acknowledge(ack);
  }

  #redated(change: Outgoing, updated: string): void {
    const { database, logger } = this.#options;
    redate(database, change, updated).catch((error) => {
      logger.warn({ model: change.model, error: messageOf(error) }, 'cannot date an item anew');
    });
  }

  async #endDown({ updated }: SyncDownEnd): Promise<void> {
    const { database, events, id } = this.#options;
    // One that was not asked for on this connection is an earlier one, delivered again.
    if (!this.#cancelAsking) return;
    this.#cloudClock.heard(updated);
    this.#stopAsking();
    await database.upsert('SyncState', { lastSync: updated });
    this.#memory.filled();
    events.emit('cloud:ready', { id, accountId: this.#accountId, updated });
  }

  /** Asks for what changed since the last sync, again until it comes. */
  #askDown(): void {
    const { clock, database, id, resendAfter } = this.#options;
    const lastSync = this.#memory.isEmptied ? 0 : database.get('SyncState', {})?.lastSync;
    const timestamp = new Date(typeof lastSync === 'string' || typeof lastSync === 'number' ? lastSync : 0);
    this.#say(serviceTopic.syncDown(id), JSON.stringify({ timestamp: timestamp.toISOString() }));
    this.#cancelAsking = clock.after(resendAfter * 4, () => this.#askDown());
  }

  #stopAsking(): void {
    this.#cancelAsking?.();
    this.#cancelAsking = undefined;
  }

  /** A message that does not get through is sent again by whoever keeps its content. */
  #say(topic: string, payload: string): void {
    this.#publish?.(topic, payload).catch((error) => {
      this.#options.logger.debug({ topic, error: messageOf(error) }, 'a message did not get through');
    });
  }

  #parse(verb: SyncVerb, payload: Buffer): unknown {
    try {
      return parseLenientJson(payload.toString('utf8'));
    } catch (error) {
      this.#options.logger.warn({ verb, error: messageOf(error) }, 'dropped a message that is no JSON');
      return undefined;
    }
  }
}

function heldCommand(database: Database, { id }: Readonly<Record<string, unknown>>): Item | undefined {
  return typeof id === 'string' ? database.get('Command', { id }) : undefined;
}
