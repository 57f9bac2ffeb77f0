import { Backoff, type CodedError } from '@ioto/runtime';
import type { AgentSettings } from '../../config.ts';
import type { UpdateJournal } from './journal.ts';
import { isLocal } from './local-image.ts';
import { isStale, nextCheck, type Times } from './plan.ts';
import type { Window } from './window.ts';

export interface TimetableOptions {
  random: () => number;
  settings: Pick<AgentSettings['update'], 'delay' | 'period' | 'jitter'>;
  schedule: Window;
  apply: Window;
}

const NEVER = Number.POSITIVE_INFINITY;

/** The moments from which on each step may be done, in milliseconds since 1970 by the cloud's clock; failures put them off. */
export class Timetable {
  readonly #options: TimetableOptions;
  readonly #backoffs: Record<'check' | 'download' | 'apply', Backoff>;
  #at = { check: 0, ask: 0, download: 0, apply: 0 };
  #started = 0;
  /** Bytes of the present image that had come at most. */
  #most = 0;

  constructor(options: TimetableOptions) {
    this.#options = options;
    const { random } = options;
    const backoff = (first: number, limit: number) => new Backoff({ first, limit, jitter: 0.5, random });
    this.#backoffs = {
      check: backoff(60_000, 3_600_000),
      download: backoff(1000, 300_000),
      apply: backoff(60_000, 3_600_000),
    };
  }

  /** The agent has started: the first check-in waits for its delay. */
  begin(now: number): void {
    this.#started = now;
    this.#at.ask = now + this.#options.settings.delay;
  }

  times(journal: UpdateJournal, now: number): Times {
    const { apply, settings } = this.#options;
    const soonest = Math.max(now, this.#at.apply);
    // Who stands before the device with an image waits for no window.
    const isHere = journal.current !== undefined && isLocal(journal.current.offer);
    return {
      ...{ ...this.#at, now, apply: isHere ? soonest : apply.from(soonest) },
      isStale: isStale(journal, { now, period: settings.period }),
    };
  }

  /** Downloads that broke off in a row, without a byte more. */
  get broken(): number {
    return this.#backoffs.download.attempt;
  }

  /** Sets the time of the next check-in. */
  plan(journal: UpdateJournal, now: number): void {
    const { settings, schedule, random } = this.#options;
    const { delay, period, jitter } = settings;
    const due = nextCheck(journal, { now, started: this.#started, delay, period });
    // A report waits for no window; the first check-in ever not for chance either.
    if (journal.report) this.#at.check = due;
    else this.#at.check = schedule.from(due) + (journal.checked === undefined ? 0 : jitter * random());
  }

  /** The device has an owner: the cloud may be asked. */
  open(): void {
    this.#at.ask = 0;
  }

  /** The device has no owner: there is nobody to ask until it is claimed. */
  close(): void {
    this.#at.check = NEVER;
    this.#at.ask = NEVER;
  }

  asked(): void {
    this.#backoffs.check.reset();
    this.#at.ask = 0;
  }

  /** Milliseconds until the cloud is asked again. */
  unanswered(error: unknown, now: number): number {
    const retryIn = (error as Partial<CodedError>).retryAfter ?? this.#backoffs.check.next();
    this.#at.check = now + retryIn;
    this.#at.ask = now + retryIn;
    return retryIn;
  }

  /** There is another image, or another URL of it. */
  fetchNow(now: number): void {
    this.#at.download = now;
  }

  /** Bytes of the image that have come: more than ever forgives that it broke off. */
  came(received: number): void {
    if (received > this.#most) this.#backoffs.download.reset();
    this.#most = Math.max(this.#most, received);
  }

  fetchLater(now: number, after = this.#backoffs.download.next()): void {
    this.#at.download = now + after;
  }

  applyLater(now: number): void {
    this.#at.apply = now + this.#backoffs.apply.next();
  }

  /** Nothing goes on before the cloud has told another URL. */
  renew(now: number): void {
    this.leave();
    this.#at.check = now + this.#backoffs.download.next();
  }

  renewed(now: number): void {
    this.#at.download = now;
    this.#at.apply = now;
  }

  /** Nothing is fetched or applied until `beginAnew`. */
  leave(): void {
    this.#at.download = NEVER;
    this.#at.apply = NEVER;
  }

  beginAnew(): void {
    this.#at.download = 0;
    this.#at.apply = 0;
    this.#most = 0;
    this.#backoffs.download.reset();
    this.#backoffs.apply.reset();
  }
}
