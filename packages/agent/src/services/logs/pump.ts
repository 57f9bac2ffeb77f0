import type { Clock } from '@ioto/runtime';
import { Batch, MOST_EVENTS } from './batch.ts';
import type { Refusal } from './client.ts';
import type { Delivered, Delivery } from './delivery.ts';
import { WINDOW } from './scan.ts';
import type { EventSource, Gap } from './sources/source.ts';

/** Milliseconds for which a source pauses that the cloud refused, at first and at most. */
const FIRST_PAUSE = 60_000;
const LAST_PAUSE = 3_600_000;
/** Milliseconds that a stop waits for the batch that is under way, so that it need not be sent twice. */
const PARTING = 2000;

export interface PumpOptions {
  clock: Clock;
  delivery: Delivery;
  /** Milliseconds from one look at the sources to the next. */
  interval: number;
  /** The account that has the device; nothing is sent while it has none. */
  owner(): string | undefined;
  /** The account that had it when the agent ran last. */
  lastOwner: string | undefined;
  /** Looks at what may have changed. */
  look(window: Buffer): Promise<void>;
  /** Something was sent: the state of the sources is another. */
  moved(): void;
  refused(batch: Batch, refusal: Refusal): void;
  /** A source cannot be read. */
  broken(source: EventSource, error: unknown): void;
  lost(source: string, gap: Gap): void;
}

interface Sender {
  source: EventSource;
  create: boolean;
  /** Not before this time. */
  pausedUntil: number;
  pause: number;
  /** Most events of its next batch. */
  most: number;
}

/** A batch that is ready to go. */
interface Made {
  sender: Sender;
  batch: Batch;
}

interface Flight {
  sender: Sender;
  batch: Batch;
  landed: Delivered | undefined;
  done: Promise<void>;
  end: AbortController;
}

/**
 * Sends what the sources have, whichever waits longest first, one batch at a time and the next made meanwhile: two
 * batches are all that it holds, however many sources there are and however long the cloud is away.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #senders = new Map<EventSource, Sender>();
  readonly #free = [new Batch(), new Batch()];
  readonly #window = Buffer.allocUnsafeSlow(WINDOW);
  #flight: Flight | undefined;
  #next: Made | undefined;
  #isKicked = false;
  #wake: () => void = () => undefined;
  #owner: string | undefined;
  #nextLook = Number.NEGATIVE_INFINITY;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#owner = options.lastOwner;
  }

  /** Whose the lines are that are read. */
  get owner(): string | undefined {
    return this.#owner;
  }

  add(source: EventSource, create: boolean): void {
    this.#senders.set(source, { source, create, pausedUntil: 0, pause: FIRST_PAUSE, most: MOST_EVENTS });
  }

  remove(source: EventSource): void {
    this.#senders.delete(source);
  }

  /** Looks at once whether there is something to do. */
  kick(): void {
    this.#isKicked = true;
    this.#wake();
  }

  /** Sources that were refused are tried again. */
  resume(): void {
    for (const sender of this.#senders.values()) sender.pausedUntil = 0;
    this.kick();
  }

  /** Runs until abort; then the batch under way has a moment to arrive. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.kick(), { once: true });
    while (!signal.aborted) {
      this.#isKicked = false;
      const wait = await this.#turn();
      if (wait > 0 && !this.#isKicked) await this.#sleep(wait);
    }
    const flight = this.#flight;
    if (!flight) return;
    this.#options.delivery.stop();
    const cancel = this.#options.clock.after(PARTING, () => flight.end.abort());
    await flight.done;
    cancel();
    this.#land();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Does what there is to do now; returns in how many milliseconds to look again. */
  async #turn(): Promise<number> {
    const { clock, interval, look, owner } = this.#options;
    const now = clock.now();
    if (now >= this.#nextLook || this.#nextLook > now + interval) {
      await look(this.#window);
      this.#nextLook = now + interval;
    }
    this.#land();
    if (owner() !== undefined) {
      await this.#meetOwner();
      this.#next ??= await this.#make();
      if (!this.#flight && this.#next) {
        this.#launch(this.#next);
        this.#next = await this.#make();
      }
    }
    if (this.#flight?.landed) return 0;
    return Math.max(0, Math.min(this.#nextLook, this.#nextDue()) - clock.now());
  }

  /** What was logged while another had the device is not for the one who has it now. */
  async #meetOwner(): Promise<void> {
    const owner = this.#options.owner();
    const before = this.#owner;
    if (owner === before) return;
    this.#owner = owner;
    if (before !== undefined) {
      this.#flight?.end.abort();
      await this.#flight?.done;
      this.#land();
      if (this.#next) this.#takeBack(this.#next.sender);
      for (const sender of this.#senders.values()) {
        await this.#withoutFail(sender, () => sender.source.forget());
      }
    }
    this.#options.moved();
  }

  #nextDue(): number {
    // While both batches are in use there is nothing to be made, whatever is due.
    if (this.#free.length === 0 || this.#options.owner() === undefined) return Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (const sender of this.#senders.values()) least = Math.min(least, this.#dueOf(sender));
    return least;
  }

  #dueOf({ source, pausedUntil }: Sender): number {
    const due = source.due(this.#options.clock.now());
    return due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, pausedUntil);
  }

  /** A batch of the source that has waited longest; undefined when none is due, or no batch is free. */
  async #make(): Promise<Made | undefined> {
    const batch = this.#free[0];
    if (!batch) return undefined;
    const now = this.#options.clock.now();
    const due = [...this.#senders.values()]
      .map((sender) => ({ sender, due: this.#dueOf(sender) }))
      .filter((each) => each.due <= now)
      .sort((a, b) => a.due - b.due);
    for (const { sender } of due) {
      batch.most = sender.most;
      const isFilled = await this.#withoutFail(sender, () => sender.source.fill(batch, this.#window));
      if (!isFilled) continue;
      if (batch.count > 0) {
        this.#free.shift();
        return { sender, batch };
      }
      // Nothing that could be sent, such as empty lines.
      if (this.#flight?.sender !== sender) sender.source.commit(batch);
    }
    return undefined;
  }

  /** A source that fails pauses; the others go on. */
  async #withoutFail(sender: Sender, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.broken(sender.source, error);
      this.#pause(sender);
      return false;
    }
  }

  #pause(sender: Sender): void {
    sender.pausedUntil = this.#options.clock.now() + sender.pause;
    sender.pause = Math.min(sender.pause * 2, LAST_PAUSE);
  }

  #launch({ sender, batch }: Made): void {
    const end = new AbortController();
    const flight: Flight = { sender, batch, landed: undefined, end, done: Promise.resolve() };
    flight.done = this.#options.delivery.deliver(batch, sender.create, end.signal).then((landed) => {
      flight.landed = landed;
      this.kick();
    });
    this.#flight = flight;
  }

  /** Takes note of what became of the batch that was under way. */
  #land(): void {
    const flight = this.#flight;
    if (!flight?.landed) return;
    this.#flight = undefined;
    const { sender, batch, landed } = flight;
    if (landed.outcome === 'accepted') {
      const { tooOld, tooNew } = landed.accepted;
      if (tooOld + tooNew > 0) this.#lose(sender, batch, tooOld + tooNew);
      this.#arrive(sender, batch);
    } else {
      if (landed.outcome === 'too much' && batch.count === 1) {
        this.#lose(sender, batch, 1);
        this.#options.refused(batch, landed.refusal);
        this.#arrive(sender, batch);
        this.#free.push(batch);
        return;
      }
      if (landed.outcome === 'refused') {
        this.#options.refused(batch, landed.refusal);
        this.#pause(sender);
      } else if (landed.outcome === 'too much') sender.most = Math.ceil(batch.count / 2);
      this.#takeBack(sender);
    }
    this.#free.push(batch);
  }

  #arrive(sender: Sender, batch: Batch): void {
    sender.pause = FIRST_PAUSE;
    sender.most = Math.min(MOST_EVENTS, sender.most * 2);
    sender.source.commit(batch);
    this.#options.moved();
  }

  #takeBack(sender: Sender): void {
    sender.source.rewind();
    if (this.#next?.sender !== sender) return;
    this.#free.push(this.#next.batch);
    this.#next = undefined;
  }

  #lose(sender: Sender, batch: Batch, lines: number): void {
    const { first: from, last: to } = batch;
    this.#options.lost(sender.source.name, { lines, from, to });
  }
}
