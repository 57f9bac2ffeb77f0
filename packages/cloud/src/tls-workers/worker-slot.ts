import { Backoff, type Clock, CodedError, type Logger } from '@ioto/runtime';
import type { FailedMessage, ListenHandle, ToWorker, WorkerReport } from './worker-messages.ts';
import type { StartWorker, WorkerProcess } from './worker-process.ts';

export interface WorkerSlotTimes {
  /** Milliseconds from a start to taking connections. */
  start: number;
  /** Milliseconds before a worker that ended is started again: at first, and at most. */
  firstDelay: number;
  longestDelay: number;
  /** Milliseconds of service after which an end is like the first. */
  steady: number;
  /** Milliseconds to stop taking connections. */
  stop: number;
  /** Milliseconds for what is left of its connections. */
  drain: number;
}

export const workerSlotTimes: WorkerSlotTimes = {
  start: 30_000,
  firstDelay: 200,
  longestDelay: 30_000,
  steady: 60_000,
  stop: 500,
  drain: 1500,
};

export interface WorkerSlotOptions {
  startWorker: StartWorker;
  clock: Clock;
  logger: Logger;
  times?: Partial<WorkerSlotTimes>;
  /** The error that a worker's message about a listener becomes. */
  explain: (failed: FailedMessage) => CodedError;
  onReport: (report: WorkerReport) => void;
  /** Told when a worker begins to serve, and when it ends. */
  onChange: () => void;
  onRestart: () => void;
}

/** Tells a worker that has loaded all that it needs to take connections. */
export type Greeting = (worker: WorkerProcess) => void;

/** What a worker in its place has come to. */
type Stage = 'loading' | 'loaded' | 'greeted' | 'serving';

/** The place of one worker: keeps a process in it, once the first has served, until it is told to stop. */
export class WorkerSlot {
  /** Connections that its worker relays. */
  connections = 0;
  /** Whether its worker has been told to take no more for now. */
  resting = false;
  readonly #options: WorkerSlotOptions;
  readonly #times: WorkerSlotTimes;
  readonly #backoff: Backoff;
  #worker: { process: WorkerProcess; stage: Stage } | undefined;
  #greeting: Greeting | undefined;
  /** Of the first worker. */
  #first: { served: () => void; failed: (error: Error) => void } | undefined;
  #servedBefore = false;
  #stopping = false;
  #why: CodedError | undefined;
  #cancelTimer: () => void = () => undefined;
  #onStopped: () => void = () => undefined;
  #onEnded: () => void = () => undefined;

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
    this.#times = { ...workerSlotTimes, ...options.times };
    const { firstDelay, longestDelay } = this.#times;
    this.#backoff = new Backoff({ first: firstDelay, limit: longestDelay });
  }

  get serving(): boolean {
    return this.#worker?.stage === 'serving';
  }

  /** Starts the first process, which then waits for `serve`. */
  open(): void {
    this.#stopping = false;
    this.#servedBefore = false;
    this.#greeting = undefined;
    this.#why = undefined;
    this.#start();
  }

  /**
   * Has every worker in this place greeted. Resolves when the first one takes connections.
   *
   * @throws WORKER_FAILED, or what its listeners failed with.
   */
  serve(greeting: Greeting): Promise<void> {
    this.#greeting = greeting;
    return new Promise((resolve, reject) => {
      this.#first = { served: resolve, failed: reject };
      if (!this.#worker) this.#firstFailed();
      else {
        this.#limitStart();
        if (this.#worker.stage === 'loaded') this.#greet();
      }
    });
  }

  /** Only to a worker that has been greeted; those to come are told by their greeting. */
  tell(message: ToWorker, handle?: ListenHandle): void {
    const { process, stage } = this.#worker ?? {};
    if (stage === 'greeted' || stage === 'serving') process?.send(message, handle);
  }

  /** Takes no more connections, and starts no more workers. Resolves when that is so. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelTimer();
    if (!this.#worker) return;
    if (!this.serving) {
      this.#worker.process.kill();
      return;
    }
    await this.#within(this.#times.stop, (resolve) => {
      this.#onStopped = resolve;
      this.tell({ type: 'stop' });
    });
  }

  /** Resolves when the worker has ended with the last of its connections, or because its time was up. */
  async close(): Promise<void> {
    this.#stopping = true;
    this.#cancelTimer();
    if (!this.#worker) return;
    if (!this.serving) this.#worker.process.kill();
    const ended = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    await this.#within(this.#times.drain, (resolve) => void ended.then(resolve));
    this.#worker?.process.kill();
    await ended;
  }

  #start(): void {
    const { startWorker, explain } = this.#options;
    const worker: { process: WorkerProcess; stage: Stage } = {
      stage: 'loading',
      process: startWorker({
        onMessage: (message) => {
          if (this.#worker !== worker) return;
          if (message.type === 'loaded') this.#loaded();
          else if (message.type === 'serving') this.#served();
          else if (message.type === 'failed') this.#failed(explain(message));
          else if (message.type === 'report') this.#report(message);
          else this.#onStopped();
        },
        onEnd: (how) => {
          if (this.#worker === worker) this.#ended(how);
        },
      }),
    };
    this.#worker = worker;
    if (this.#greeting) this.#limitStart();
  }

  #loaded(): void {
    if (!this.#worker) return;
    this.#worker.stage = 'loaded';
    if (this.#greeting) this.#greet();
  }

  #greet(): void {
    if (!this.#worker) return;
    this.#worker.stage = 'greeted';
    this.#greeting?.(this.#worker.process);
  }

  #served(): void {
    if (!this.#worker) return;
    this.#worker.stage = 'serving';
    this.#servedBefore = true;
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(this.#times.steady, () => this.#backoff.reset(), {
      unref: true,
    });
    this.#first?.served();
    this.#first = undefined;
    this.#options.onChange();
  }

  #report(report: WorkerReport): void {
    this.connections = report.connections;
    this.#options.onReport(report);
  }

  #failed(why: CodedError): void {
    this.#why = why;
    this.#worker?.process.kill();
  }

  #limitStart(): void {
    const { clock } = this.#options;
    const { start } = this.#times;
    const late = () => this.#failed(workerFailed(`takes no connections within ${start} ms`));
    this.#cancelTimer = clock.after(start, late, { unref: true });
  }

  #ended(how: string): void {
    this.#worker = undefined;
    this.connections = 0;
    this.resting = false;
    this.#options.onChange();
    this.#cancelTimer();
    this.#why ??= workerFailed(`ended (${how})`);
    const { message } = this.#why;
    this.#onStopped();
    this.#onEnded();
    if (this.#first) this.#firstFailed();
    if (this.#stopping || !this.#servedBefore) return;
    this.#why = undefined;
    const delay = this.#backoff.next();
    this.#options.logger.warn({ error: message, startsIn: delay }, 'a TLS worker is started again');
    this.#cancelTimer = this.#options.clock.after(delay, () => {
      this.#options.onRestart();
      this.#start();
    });
  }

  #firstFailed(): void {
    this.#first?.failed(this.#why ?? workerFailed('was stopped'));
    this.#first = undefined;
  }

  /** Resolves when `begin` calls back, after `ms` milliseconds at the latest. */
  #within(ms: number, begin: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      begin(() => {
        cancel();
        resolve();
      });
    });
  }
}

function workerFailed(what: string): CodedError {
  return new CodedError('WORKER_FAILED', `a TLS worker ${what}`);
}
