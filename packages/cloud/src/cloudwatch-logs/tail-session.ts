import { Readable } from 'node:stream';
import type { Clock } from '@ioto/runtime';
import type { Objection } from '../aws-http/json-target.ts';
import type { LogEvent, LogMatcher } from '../ports/log-store.ts';
import { exceptionEvent, jsonEvent } from './event-stream.ts';
import type { Turns } from './turns.ts';

/** Events, bytes and milliseconds. */
export const tailLimits = {
  /** Between two updates. */
  every: 1000,
  /** Events in one update: more are sampled. */
  events: 500,
  /** In one update, names included: more are sampled. */
  bytes: 1024 * 1024,
  /** Events, and bytes of their texts, that wait to be looked at; the oldest go first. */
  waiting: 20_000,
  waitingBytes: 8 * 1024 * 1024,
  /** Bytes that a slow client has not taken: nothing more is sent before it has. */
  unsent: 4 * 1024 * 1024,
  /** For which one update may look for matches. */
  search: 20,
  /** After which a session ends. */
  life: 3 * 3_600_000,
};

export interface TailSessionOptions {
  sessionId: string;
  /** What the client asked for, as it is told back. */
  asked: object;
  /** Told with every event. */
  groupIdentifier: (group: string) => string;
  accepts: (stream: string) => boolean;
  matcher: LogMatcher | undefined;
  clock: Clock;
  /** Milliseconds since 1970: the session ends then at the latest. */
  until: number;
  /** Asked from time to time: why the session has to end, if it has. */
  objection: Objection;
  /** Shared by all sessions: an update is made when it is this one's turn. */
  turns: Turns;
}

interface Batch {
  group: string;
  stream: string;
  events: readonly LogEvent[];
  ingestionTime: number;
}

/** How many updates lie between two questions whether the caller is still welcome. */
const ASK_EVERY = 10;

/** What one client sees of events as they arrive: an update each second, of which it can miss some, but never all others. */
export class TailSession {
  readonly stream: Readable;
  readonly #options: TailSessionOptions;
  #batches: Batch[] = [];
  #waiting = 0;
  #waitingBytes = 0;
  #isSampled = false;
  #updates = 0;
  #cancel: (() => void) | undefined;

  constructor(options: TailSessionOptions) {
    this.#options = options;
    this.stream = new Readable({ read: () => undefined, highWaterMark: tailLimits.unsent });
    this.stream.once('close', () => this.end());
  }

  start(): void {
    const { sessionId, asked } = this.#options;
    this.stream.push(jsonEvent('initial-response', {}));
    this.stream.push(jsonEvent('sessionStart', { requestId: sessionId, sessionId, ...asked }));
    this.#later();
  }

  /** Notes events; they are looked at when the next update is made, so that whoever puts them does not wait. */
  saw(group: string, stream: string, events: readonly LogEvent[], ingestionTime: number): void {
    if (!this.#options.accepts(stream)) return;
    this.#batches.push({ group, stream, events, ingestionTime });
    this.#waiting += events.length;
    this.#waitingBytes += bytesOf(events);
    while (this.#waiting > tailLimits.waiting || this.#waitingBytes > tailLimits.waitingBytes) {
      this.#forget(this.#batches.shift());
      this.#isSampled = true;
    }
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#batches = [];
    if (!this.stream.readableEnded && !this.stream.destroyed) this.stream.push(null);
  }

  #later(): void {
    const { clock } = this.#options;
    this.#cancel = clock.after(tailLimits.every, () => void this.#update());
  }

  async #update(): Promise<void> {
    const { clock, until, objection, turns } = this.#options;
    this.#updates += 1;
    const isOver = clock.now() >= until;
    const why = this.#updates % ASK_EVERY === 0 ? await objection().catch(() => undefined) : undefined;
    if (this.#cancel === undefined) return;
    if (isOver)
      this.stream.push(exceptionEvent('SessionTimeoutException', 'the session has lasted long enough'));
    if (why !== undefined) this.stream.push(exceptionEvent('SessionStreamingException', why));
    if (isOver || why !== undefined) {
      this.end();
      return;
    }
    await turns.next();
    if (this.#cancel === undefined) return;
    if (this.stream.readableLength < tailLimits.unsent) {
      const sessionResults = this.#found();
      const sessionMetadata = { sampled: this.#isSampled };
      this.#isSampled = false;
      this.stream.push(jsonEvent('sessionUpdate', { sessionMetadata, sessionResults }));
    }
    this.#later();
  }

  #found(): object[] {
    const { matcher, groupIdentifier } = this.#options;
    const began = performance.now();
    const found: object[] = [];
    let bytes = 0;
    for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
      this.#forget(batch);
      const { group, stream, events, ingestionTime } = batch;
      for (const { timestamp, message } of events) {
        if (found.length >= tailLimits.events || performance.now() - began > tailLimits.search) {
          this.#forgetAll();
          return found;
        }
        if (matcher && !matcher.match(message)) continue;
        const logGroupIdentifier = groupIdentifier(group);
        bytes += Buffer.byteLength(message) + logGroupIdentifier.length + stream.length;
        if (bytes > tailLimits.bytes) {
          this.#forgetAll();
          return found;
        }
        found.push({ logGroupIdentifier, logStreamName: stream, message, timestamp, ingestionTime });
      }
    }
    return found;
  }

  #forgetAll(): void {
    this.#isSampled = true;
    this.#batches = [];
    this.#waiting = 0;
    this.#waitingBytes = 0;
  }

  #forget(batch: Batch | undefined): void {
    if (!batch) return;
    this.#waiting -= batch.events.length;
    this.#waitingBytes -= bytesOf(batch.events);
  }
}

function bytesOf(events: readonly LogEvent[]): number {
  return events.reduce((sum, { message }) => sum + message.length, 0);
}
