import { type Clock, type Component, isoTime, type Logger, messageOf } from '@ioto/runtime';
import type { ConnectionEnd, LimitNote } from '../ports/device-endpoint.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { devicePartition } from './device-records.ts';

/** Milliseconds in which all that is noted of a device becomes one write. */
const WRITE_AFTER = 2000;

/** Devices that wait for their write; beyond it, what is new is not noted. */
const MOST_WAITING = 10_000;

const RECORD = 'endpoint';

/** What the owner is shown of a device's dealings with the endpoint. */
export interface EndpointNotes {
  lastDisconnect?: ConnectionEnd & { at: string };
  /** By the limit's name: how often it was exceeded in all, when last, and how. */
  limits?: Record<string, { count: number; last: string; detail: string }>;
}

interface Waiting {
  accountId: string;
  notes: EndpointNotes;
}

export interface ConnectionHistoryOptions {
  store: ItemStore;
  clock: Clock;
  logger: Logger;
}

/**
 * Keeps why each device's last connection ended, and which limits the device has exceeded, so that its owner sees what the
 * device was told. Written down now and then, not with each event: a flood costs one write in two seconds.
 */
export class ConnectionHistory implements Component {
  readonly name = 'connection history';
  readonly #options: ConnectionHistoryOptions;
  #waiting = new Map<string, Waiting>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ConnectionHistoryOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  ended(deviceId: string, accountId: string, end: ConnectionEnd): void {
    const lastDisconnect = { at: isoTime(this.#options.clock), ...end };
    this.#add(deviceId, accountId, { lastDisconnect });
  }

  exceeded(deviceId: string, accountId: string, { limit, count, detail }: LimitNote): void {
    const last = isoTime(this.#options.clock);
    this.#add(deviceId, accountId, { limits: { [limit]: { count, last, detail } } });
  }

  /** Nothing of what was noted while another account had the device. */
  async of(deviceId: string, accountId: string): Promise<EndpointNotes> {
    const stored = await this.#stored(deviceId, accountId);
    const waiting = this.#waiting.get(deviceId);
    return waiting?.accountId === accountId ? merged(stored, waiting.notes) : stored;
  }

  #add(deviceId: string, accountId: string, notes: EndpointNotes): void {
    const before = this.#waiting.get(deviceId);
    if (!before && this.#waiting.size >= MOST_WAITING) return;
    if (this.#waiting.size === 0)
      this.#options.clock.after(WRITE_AFTER, () => this.#write(), { unref: true });
    const same = before?.accountId === accountId ? before.notes : {};
    this.#waiting.set(deviceId, { accountId, notes: merged(same, notes) });
  }

  #write(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    if (waiting.size > 0) this.#writing = this.#writing.then(() => this.#writeAll(waiting));
  }

  async #writeAll(waiting: ReadonlyMap<string, Waiting>): Promise<void> {
    const { store, logger } = this.#options;
    const write = async ([deviceId, { accountId, notes }]: [string, Waiting]) => {
      const all = merged(await this.#stored(deviceId, accountId), notes);
      await store.write([{ put: { pk: devicePartition(deviceId), sk: RECORD, accountId, ...all } }]);
    };
    try {
      await Promise.all([...waiting].map(write));
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'cannot write down how connections ended');
    }
  }

  async #stored(deviceId: string, accountId: string): Promise<EndpointNotes> {
    const item = await this.#options.store.get(devicePartition(deviceId), RECORD);
    if (item?.accountId !== accountId) return {};
    const { lastDisconnect, limits } = item as EndpointNotes;
    return { ...(lastDisconnect ? { lastDisconnect } : {}), ...(limits ? { limits } : {}) };
  }
}

function merged(before: EndpointNotes, after: EndpointNotes): EndpointNotes {
  const all: EndpointNotes = { ...before, ...after };
  if (!before.limits || !after.limits) return all;
  const limits = { ...before.limits };
  for (const [limit, note] of Object.entries(after.limits))
    limits[limit] = { ...note, count: note.count + (limits[limit]?.count ?? 0) };
  return { ...all, limits };
}
