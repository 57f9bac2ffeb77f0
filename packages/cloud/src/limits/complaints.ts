import type { Clock, Logger } from '@ioto/runtime';

/** Milliseconds between two lines of the log about one fault of one device. */
const EVERY = 60_000;
/** Faults of devices that are remembered; of what goes beyond every one is told. */
const REMEMBERED = 10_000;

interface Facts {
  /** How many there were: one line tells of all, with the facts of one. Default 1. */
  count?: number;
  readonly [fact: string]: unknown;
}

interface Fault {
  readonly deviceId: string;
  readonly message: string;
  /** Of the latest that was not told yet. */
  facts: object;
  count: number;
}

/**
 * Tells the log what is wrong with what devices send: of one fault of one device the first at once, and those that follow
 * once a minute, counted. A device, hostile or broken, sends thousands of them a second, and would fill the disk.
 */
export class Complaints {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #faults = new Map<string, Fault>();

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Something was wrong with what a device sent; lines with the same message count as one fault. */
  of(deviceId: string, message: string, { count = 1, ...facts }: Facts): void {
    const id = `${deviceId}\n${message}`;
    const known = this.#faults.get(id);
    if (known) {
      known.facts = facts;
      known.count += count;
      return;
    }
    this.#tell(id, { deviceId, message, facts, count });
  }

  #tell(id: string, fault: Fault): void {
    const { deviceId, message, facts, count } = fault;
    this.#logger.warn({ deviceId, ...facts, ...(count > 1 && { count }) }, message);
    if (this.#faults.size >= REMEMBERED) return;
    this.#faults.set(id, { ...fault, count: 0 });
    this.#clock.after(EVERY, () => this.#next(id), { unref: true });
  }

  #next(id: string): void {
    const fault = this.#faults.get(id);
    this.#faults.delete(id);
    if (fault && fault.count > 0) this.#tell(id, fault);
  }
}
