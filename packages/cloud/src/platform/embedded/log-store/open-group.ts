import type { LogEvent, StreamsQuery, TailListener } from '../../../ports/log-store.ts';
import { arrivalOf, type EventColumns } from './event-columns.ts';
import { GroupLog, type GroupLogOptions } from './group-log.ts';
import type { LogQuota } from './log-quota.ts';
import type { LogRecords, StreamRecord } from './log-records.ts';

export interface OpenGroupOptions extends Omit<GroupLogOptions, 'onPacked' | 'onStored'> {
  id: string;
  accountId: string;
  name: string;
  records: LogRecords;
  quota: Pick<LogQuota, 'note'>;
}

/** A group in use: its events, and its streams with what was last seen of them. */
export class OpenGroup {
  readonly options: OpenGroupOptions;
  readonly log: GroupLog;
  /** Operations under way: a group is not closed under them. */
  busy = 0;
  /** Milliseconds since 1970; 0 when it was opened for the cloud's own ends alone. */
  lastUsed = 0;
  readonly tails = new Set<TailListener>();
  readonly #byName = new Map<string, StreamRecord>();
  /** In the order of their names, until one comes or goes: each page of a long list begins anew. */
  #sorted: readonly StreamRecord[] | undefined;
  readonly #byNumber = new Map<number, StreamRecord>();
  /** Streams whose latest times are in the write-ahead log only. */
  readonly #changed = new Set<StreamRecord>();

  constructor(options: OpenGroupOptions) {
    this.options = options;
    this.log = new GroupLog({
      ...options,
      onPacked: () => this.#saveTimes(),
      onStored: () => this.#saveSize(),
    });
  }

  async open(): Promise<void> {
    const { records, id } = this.options;
    for (const record of await records.streams(id)) this.#know(record);
    await this.log.open();
    // What a power cut has kept from being written beside the events.
    for (const part of this.log.view.parts) this.#seeAgain(part);
  }

  stream(name: string): StreamRecord | undefined {
    return this.#byName.get(name);
  }

  nameOf(number: number): string | undefined {
    return this.#byNumber.get(number)?.name;
  }

  get streamCount(): number {
    return this.#byName.size;
  }

  /** @param number which no stream of the group ever had. */
  async addStream(name: string, number: number, now: number): Promise<void> {
    const { records, accountId, name: group } = this.options;
    const record = { name, number, created: now };
    await records.addStream(accountId, await records.requireGroup(accountId, group), record);
    this.#know(record);
  }

  async removeStream(record: StreamRecord): Promise<void> {
    await this.options.records.removeStreams(this.options.id, [record.name]);
    this.#byName.delete(record.name);
    this.#sorted = undefined;
    this.#byNumber.delete(record.number);
    this.#changed.delete(record);
  }

  /** Resolves when the events are durable. */
  async put(stream: StreamRecord, events: readonly LogEvent[]): Promise<void> {
    // Of a device whose clock is wrong none may be left.
    if (events.length === 0) return;
    const arrived = await this.log.append(stream.number, events);
    this.#see(stream, (events[0] as LogEvent).timestamp, (events.at(-1) as LogEvent).timestamp, arrived);
    for (const tell of this.tails) tell(stream.name, events, arrived);
  }

  /** Numbers of those streams that are there. */
  numbersOf(accepts: (stream: string) => boolean): Set<number> {
    return new Set([...this.#byName.values()].flatMap(({ name, number }) => (accepts(name) ? [number] : [])));
  }

  /** In the order asked for. */
  list({ prefix = '', byLastEvent, descending, skip, limit }: StreamsQuery): StreamRecord[] {
    this.#sorted ??= [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const records = this.#sorted.filter(({ name }) => name.startsWith(prefix));
    if (byLastEvent) records.sort((a, b) => (a.lastEvent ?? 0) - (b.lastEvent ?? 0));
    if (descending) records.reverse();
    return records.slice(skip, skip + limit);
  }

  #know(record: StreamRecord): void {
    this.#byName.set(record.name, record);
    this.#sorted = undefined;
    this.#byNumber.set(record.number, record);
  }

  #see(stream: StreamRecord, first: number, last: number, arrived: number): void {
    stream.firstEvent = Math.min(stream.firstEvent ?? first, first);
    stream.lastEvent = Math.max(stream.lastEvent ?? last, last);
    stream.lastIngestion = Math.max(stream.lastIngestion ?? arrived, arrived);
    this.#changed.add(stream);
  }

  #seeAgain({ count, times, sequences, streams }: EventColumns): void {
    for (let i = 0; i < count; i += 1) {
      const stream = this.#byNumber.get(streams[i] as number);
      const time = times[i] as number;
      if (stream) this.#see(stream, time, time, arrivalOf(sequences[i] as number));
    }
  }

  async #saveTimes(): Promise<void> {
    const { records, id } = this.options;
    const streams = [...this.#changed].filter(({ number }) => this.#byNumber.has(number));
    await records.putStreams(id, streams);
    for (const stream of streams) this.#changed.delete(stream);
  }

  async #saveSize(): Promise<void> {
    const { records, quota, id, accountId, name } = this.options;
    const { storedBytes } = this.log;
    await quota.note(accountId, id, storedBytes);
    await records.changeGroup(accountId, name, (record) =>
      record.id === id ? { ...record, storedBytes } : record,
    );
  }
}
