import type { Database } from '@ioto/database';
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
import type { ConnectionUser, Owner, Publish } from '../mqtt/service.ts';
import type { Outgoing } from './batch.ts';
import { CloudClock } from './cloud-clock.ts';
import type { Commands } from './commands.ts';
import type { DigestCheck } from './digest-check.ts';
import { Downward, type ItemVerb } from './downward.ts';
import type { Hello, SyncTerms } from './hello.ts';
import { agreedForm } from './lean.ts';
import { LossNotice } from './loss-notice.ts';
import { MemoryModels } from './memory-models.ts';
import { isNoRoom, NoRoom } from './no-room.ts';
import { adoptOwner } from './owner.ts';
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
  /** At the first connection: sends everything up, asks for everything. */
  whole?: { readonly up: boolean; readonly down: boolean };
  /** Compares the tables of both ends where they have agreed on it. */
  digests?: Pick<DigestCheck, 'ready' | 'stop'>;
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
  readonly #noRoom: NoRoom;
  /** `#noRoom.dropped` when the sync down was asked for. */
  #droppedBefore = 0;
  #publish: Publish | undefined;
  /** Another with each connection. */
  #connection: object | undefined;
  /** What is agreed on this connection. */
  #agreed: SyncTerms | undefined;
  #isReady = false;
  /** Present from the request for a sync down until its end. */
  #cancelAsking: (() => void) | undefined;
  #off: readonly (() => void)[] = [];
  #accountId = '';
  /** What `whole` asks for and was not done yet. */
  #whole: { up: boolean; down: boolean };

  constructor(options: SyncServiceOptions) {
    this.#options = options;
    this.#whole = { up: false, down: false, ...options.whole };
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
    this.#noRoom = new NoRoom({ clock, logger });
    this.#losses = new LossNotice({ clock, logger, events, lost: () => database.outbox.lost() });
    this.#downward = new Downward({
      database,
      logger,
      sendBack: (item) => this.#upward.sendBack(item),
      conflict: (conflict, lost) => {
        events.emit('sync:conflict', conflict);
        // The cloud takes an older version for what it is, and keeps it where the owner can see it.
        if (this.#agreed?.can.has('base')) this.#upward.sendBack(lost);
      },
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
    const { database, device } = this.#options;
    await adoptOwner(database, owner, device);
    if (this.#whole.up) await database.outbox.enqueueAll();
    this.#whole.up = false;
    this.#accountId = owner.accountId;
  }

  connected(publish: Publish): void {
    const { hello } = this.#options;
    const connection = {};
    this.#publish = publish;
    this.#connection = connection;
    this.#droppedBefore = this.#noRoom.dropped;
    if (!hello?.isAsked) {
      this.#beginUp();
      this.#askDown();
      return;
    }
    // Before it has heard the hello, the cloud leaves out the times of fields.
    const waits = this.#merges();
    void hello.agree().then((terms) => {
      if (this.#connection !== connection) return;
      if (terms) this.#cloudClock.heard(terms.time);
      this.#agreed = terms;
      this.#beginUp(terms);
      if (waits) this.#askDown();
      this.#beginCheck();
    });
    if (!waits) this.#askDown();
  }

  disconnected(): void {
    this.#publish = undefined;
    this.#connection = undefined;
    this.#agreed = undefined;
    this.#isReady = false;
    this.#options.digests?.stop();
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

  #merges(): boolean {
    return [...this.#options.database.schema.models.values()].some(({ merges }) => merges);
  }

  #beginUp(agreed?: SyncTerms): void {
    const { id, database } = this.#options;
    const terms: UpwardTerms = {};
    if (agreed?.can.has('pace')) terms.pace = agreed.pace;
    if (agreed) terms.form = agreedForm(database, agreed.can);
    terms.hasReport = agreed?.can.has('through');
    this.#upward.connected((text) => this.#say(serviceTopic.syncUp(id), text), terms);
  }

  /** When the sync down is complete and the cloud has answered the hello, whichever comes last. */
  #beginCheck(): void {
    if (!this.#isReady || !this.#agreed?.can.has('digest')) return;
    const { isSameSchema } = this.#agreed;
    const cloudNow = () => this.#cloudClock.now() ?? this.#options.clock.now();
    this.#options.digests?.ready({ isSameSchema, cloudNow });
  }

  async #receiveItem(verb: ItemVerb, wire: WireItem): Promise<void> {
    try {
      const applied = await this.#downward.receive(verb, wire);
      if (applied) {
        await this.#memory.received(applied.model);
        const cmd = verb.toLowerCase() as Lowercase<ItemVerb>;
        this.#options.events.emit('sync:down', { cmd, model: applied.model, item: applied.item });
      }
      if (wire._type === 'Command' && verb !== 'REMOVE')
        await this.#options.commands.received(applied?.item ?? wire);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#noRoom.drop(String(wire._type), error);
    }
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
    // What was dropped on this connection comes again with the next.
    if (this.#noRoom.dropped === this.#droppedBefore) {
      await database.upsert('SyncState', { lastSync: updated }, { exempt: true });
      this.#memory.filled();
    }
    this.#isReady = true;
    this.#whole.down = false;
    this.#beginCheck();
    events.emit('cloud:ready', { id, accountId: this.#accountId, updated });
  }

  /** Asks for what changed since the last sync, again until it comes. */
  get #asksForAll(): boolean {
    return this.#memory.isEmptied || this.#whole.down;
  }

  #askDown(): void {
    const { clock, database, id, resendAfter } = this.#options;
    const lastSync = this.#asksForAll ? 0 : database.get('SyncState', {})?.lastSync;
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
