import type { Clock } from '@ioto/runtime';

/** What time it is in the cloud, by the latest word of it: a device's own clock may be years off. */
export class CloudClock {
  readonly #clock: Clock;
  #heard: { time: number; at: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The cloud said that it is `time`, ISO 8601. */
  heard(time: string): void {
    const milliseconds = Date.parse(time);
    if (!Number.isNaN(milliseconds)) this.#heard = { time: milliseconds, at: this.#clock.now() };
  }

  /** Milliseconds since the epoch; undefined before the cloud said anything. Never earlier than what it said last. */
  now(): number | undefined {
    return this.#heard && this.#heard.time + Math.max(0, this.#clock.now() - this.#heard.at);
  }
}
