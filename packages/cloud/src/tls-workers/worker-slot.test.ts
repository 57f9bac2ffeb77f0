import { CodedError, silentLogger } from '@ioto/runtime';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FromWorker, ToWorker, WorkerReport } from './worker-messages.ts';
import type { WorkerEvents } from './worker-process.ts';
import { WorkerSlot, workerSlotTimes } from './worker-slot.ts';

/** A process that does what the test makes it do. */
class FakeProcess {
  readonly heard: ToWorker['type'][] = [];
  alive = true;
  readonly #events: WorkerEvents;

  constructor(events: WorkerEvents) {
    this.#events = events;
  }

  send(message: ToWorker): void {
    this.heard.push(message.type);
  }

  say(message: FromWorker): void {
    this.#events.onMessage(message);
  }

  end(how = 'exit code 1'): void {
    if (!this.alive) return;
    this.alive = false;
    this.#events.onEnd(how);
  }

  kill(): void {
    setImmediate(() => this.end('SIGKILL'));
  }
}

let clock: VirtualClock;
let started: FakeProcess[];
let reports: WorkerReport[];
let restarts: number;
let slot: WorkerSlot;

beforeEach(() => {
  clock = new VirtualClock();
  started = [];
  reports = [];
  restarts = 0;
  slot = new WorkerSlot({
    startWorker: (events) => {
      const process = new FakeProcess(events);
      started.push(process);
      return process;
    },
    explain: ({ code }) => new CodedError('LISTEN_FAILED', `cannot listen (${code})`),
    ...{ clock, logger: silentLogger },
    onReport: (report) => reports.push(report),
    onChange: () => undefined,
    onRestart: () => {
      restarts += 1;
    },
  });
});

const latest = () => started.at(-1) as FakeProcess;
const greet = (worker: { send(message: ToWorker): void }) => worker.send({ type: 'listen', listener: 0 });
const comeUp = () => {
  latest().say({ type: 'loaded' });
  latest().say({ type: 'serving' });
};
const renew = { type: 'renew', identity: { certificate: '', key: '', authority: '', expires: '' } } as const;

async function serving(): Promise<void> {
  slot.open();
  const served = slot.serve(greet);
  comeUp();
  await served;
}

describe('the place of a worker', () => {
  it('greets it once it has loaded, and serves when it does', async () => {
    slot.open();
    let served = false;
    const serving = slot.serve(greet).then(() => {
      served = true;
    });
    expect(latest().heard).toEqual([]);
    latest().say({ type: 'loaded' });
    await settle();
    expect([latest().heard, served, slot.serving]).toEqual([['listen'], false, false]);
    latest().say({ type: 'serving' });
    await serving;
    expect(slot.serving).toBe(true);
  });

  it('greets one that had loaded before there was a greeting', async () => {
    slot.open();
    latest().say({ type: 'loaded' });
    slot.tell(renew);
    const served = slot.serve(greet);
    expect(latest().heard).toEqual(['listen']);
    latest().say({ type: 'serving' });
    await served;
    slot.tell(renew);
    expect(latest().heard).toEqual(['listen', 'renew']);
  });

  it('hands on what it reports', async () => {
    await serving();
    latest().say({ type: 'report', refused: { 'slow ClientHello': 3 }, lines: [], connections: 7 });
    expect(reports).toMatchObject([{ refused: { 'slow ClientHello': 3 } }]);
    expect(slot.connections).toBe(7);
    latest().end();
    expect(slot.connections).toBe(0);
  });

  it('fails when the first one ends, cannot listen, or takes too long', async () => {
    slot.open();
    const ended = slot.serve(greet);
    latest().end('SIGSEGV');
    await expect(ended).rejects.toMatchObject({ code: 'WORKER_FAILED', message: /SIGSEGV/ });
    slot.open();
    const cannot = slot.serve(greet);
    latest().say({ type: 'loaded' });
    latest().say({ type: 'failed', listener: 0, code: 'EADDRINUSE' });
    await expect(cannot).rejects.toMatchObject({ message: 'cannot listen (EADDRINUSE)' });
    expect(latest().alive).toBe(false);
    slot.open();
    const late = slot.serve(greet);
    const outcome = expect(late).rejects.toMatchObject({ code: 'WORKER_FAILED', message: /30000 ms/ });
    await clock.advance(workerSlotTimes.start);
    await outcome;
    await clock.advance(3_600_000);
    expect([started.length, restarts]).toEqual([3, 0]);
  });

  it('fails when the first one had ended before it could be greeted', async () => {
    slot.open();
    latest().end('exit code 9');
    await expect(slot.serve(greet)).rejects.toMatchObject({ message: /exit code 9/ });
  });
});

describe('a worker that ends', () => {
  it('is started again, and greeted by itself', async () => {
    await serving();
    latest().end('SIGKILL');
    expect([slot.serving, restarts]).toEqual([false, 0]);
    await clock.advance(workerSlotTimes.firstDelay * 1.2);
    expect([started.length, restarts]).toEqual([2, 1]);
    comeUp();
    expect([slot.serving, latest().heard]).toEqual([true, ['listen']]);
  });

  it('again and again waits longer each time, but not for ever', async () => {
    await serving();
    const delays: number[] = [];
    for (let end = 0; end < 12; end += 1) {
      const before = clock.now();
      latest().end();
      const count = started.length;
      while (started.length === count) await clock.advance(50);
      comeUp();
      delays.push(clock.now() - before);
    }
    expect(delays[0]).toBeLessThanOrEqual(300);
    expect(delays[3]).toBeGreaterThan(1000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(workerSlotTimes.longestDelay + 50);
    await clock.advance(workerSlotTimes.steady);
    latest().end();
    await clock.advance(300);
    expect(started).toHaveLength(14);
  });

  it('and does not come up in time when it is started again, is given up for another', async () => {
    await serving();
    latest().end();
    await clock.advance(300);
    const hung = latest();
    await clock.advance(workerSlotTimes.start);
    await settle();
    expect(hung.alive).toBe(false);
    await clock.advance(1000);
    expect(latest()).not.toBe(hung);
    comeUp();
    expect(slot.serving).toBe(true);
  });

  it('is not heard any more', async () => {
    await serving();
    const gone = latest();
    gone.end();
    gone.say({ type: 'serving' });
    gone.say({ type: 'report', refused: { x: 1 }, lines: [], connections: 1 });
    expect([slot.serving, reports]).toEqual([false, []]);
  });
});

describe('a place that is given up', () => {
  it('has its worker stop first, and waits for what is left of its connections', async () => {
    await serving();
    let stopped = false;
    const stopping = slot.stop().then(() => {
      stopped = true;
    });
    expect(latest().heard).toEqual(['listen', 'stop']);
    await settle();
    expect(stopped).toBe(false);
    latest().say({ type: 'stopped' });
    await stopping;
    let closed = false;
    const closing = slot.close().then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    latest().end('exit code 0');
    await closing;
    await clock.advance(3_600_000);
    expect([started.length, clock.pending]).toEqual([1, 0]);
  });

  it('ends a worker that does neither in time', async () => {
    await serving();
    const stopping = slot.stop();
    await clock.advance(workerSlotTimes.stop);
    await stopping;
    const closing = slot.close();
    await clock.advance(workerSlotTimes.drain);
    await closing;
    expect(latest().alive).toBe(false);
  });

  it('does not wait for a worker that has ended, nor start another', async () => {
    await serving();
    latest().end();
    await slot.stop();
    await slot.close();
    await clock.advance(3_600_000);
    expect(started).toHaveLength(1);
  });

  it('ends at once a worker that never served', async () => {
    slot.open();
    await slot.close();
    expect(latest().alive).toBe(false);
    await slot.close();
  });
});
