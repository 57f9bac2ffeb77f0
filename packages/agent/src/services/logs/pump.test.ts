import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { type Batch, MOST_BYTES } from './batch.ts';
import type { LogsClient } from './client.ts';
import { Delivery } from './delivery.ts';
import { Pump } from './pump.ts';
import type { EventSource } from './sources/source.ts';

const LIMITS = { maxEvents: 10, maxSize: MOST_BYTES };

/** Lines in memory, each of which is a batch. */
class Lines implements EventSource {
  readonly name: string;
  #waiting: string[];
  #taken = 0;
  fails = false;

  constructor(name: string, lines: string[]) {
    this.name = name;
    this.#waiting = lines;
  }

  due(now: number): number | undefined {
    return this.#taken < this.#waiting.length ? now : undefined;
  }

  async fill(batch: Batch): Promise<void> {
    if (this.fails) throw new Error('an error of the disk');
    batch.begin({ group: 'g', stream: this.name }, LIMITS, Number.POSITIVE_INFINITY);
    batch.addText(0, this.#waiting[this.#taken] ?? '');
    this.#taken += 1;
  }

  commit(): void {
    this.#waiting.shift();
    this.#taken -= 1;
  }

  rewind(): void {
    this.#taken = 0;
  }

  async forget(): Promise<void> {}

  state(): unknown {
    return undefined;
  }
}

function setting(put: (message: string) => 'accepted' | 'refused' | Error) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const broken: string[] = [];
  const client = {
    async put(body: Uint8Array) {
      const [{ message }] = JSON.parse(Buffer.from(body).toString()).logEvents;
      const outcome = put(message);
      if (outcome instanceof Error) throw outcome;
      if (outcome === 'refused') return { refusal: { code: 'AccessDeniedException', message: '' } };
      sent.push(message);
      return { accepted: { tooOld: 0, tooNew: 0 } };
    },
  } as unknown as LogsClient;
  const owner = () => 'account';
  const random = () => 0.5;
  const delivery = new Delivery({ client, clock, logger: silentLogger, random, owner });
  const pump = new Pump({
    ...{ clock, delivery, owner, interval: 1000, lastOwner: 'account' },
    look: async () => undefined,
    moved: () => undefined,
    refused: () => undefined,
    broken: ({ name }) => broken.push(name),
    lost: () => undefined,
  });
  const end = new AbortController();
  const run = pump.run(end.signal);
  const stop = () => {
    end.abort();
    return run;
  };
  return { clock, pump, sent, broken, stop };
}

describe('sending from several sources', () => {
  it('goes on with the others while one cannot be read, and comes back to it', async () => {
    const { clock, pump, sent, broken, stop } = setting(() => 'accepted');
    const bad = new Lines('bad', ['a']);
    bad.fails = true;
    pump.add(bad, true);
    pump.add(new Lines('good', ['b', 'c']), true);
    await clock.advance(2000);
    expect([sent, broken]).toEqual([['b', 'c'], ['bad']]);
    bad.fails = false;
    await clock.advance(60_000);
    expect(sent).toEqual(['b', 'c', 'a']);
    await stop();
  });

  it('asks a source that was refused after a minute, then after two, while nothing of it is lost', async () => {
    let asked = 0;
    const { clock, pump, sent, stop } = setting((message) => {
      if (message !== 'a') return 'accepted';
      asked += 1;
      return asked <= 2 ? 'refused' : 'accepted';
    });
    pump.add(new Lines('a', ['a', 'a']), true);
    await clock.advance(59_000);
    expect(asked).toBe(1);
    await clock.advance(3000);
    expect(asked).toBe(2);
    await clock.advance(116_000);
    expect([asked, sent]).toEqual([2, []]);
    await clock.advance(5000);
    expect(sent).toEqual(['a', 'a']);
    await stop();
  });

  it('tries a cloud that is away ever more rarely, down to every two minutes', async () => {
    let asked = 0;
    const { clock, pump, sent, stop } = setting(() => {
      asked += 1;
      return asked < 12 ? new Error('away') : 'accepted';
    });
    pump.add(new Lines('a', ['a']), true);
    await clock.advance(130_000);
    expect(asked).toBe(8);
    await clock.advance(4 * 120_000 + 1000);
    expect(sent).toEqual(['a']);
    await stop();
  });
});
