import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../../../../../database/src/journal/simulated-disk.fixture.ts';
import type { LogPosition } from '../../../ports/log-store.ts';
import { buildBloom, mayHave } from './bloom.ts';
import { openLog, pageOf } from './group-log.fixture.ts';
import type { GroupLog } from './group-log.ts';
import { prepare, type Wanted } from './hits.ts';
import { wordHash, wordHashes, wordsOf } from './words.ts';

const WORDS = ['alpha', 'beta', 'gamma', 'delta'];

interface Put {
  stream: number;
  /** Words of the messages, and steps of time between them. */
  events: { word: number; step: number }[];
  start: number;
  pack: boolean;
}

const puts = fc.array(
  fc.record({
    stream: fc.integer({ min: 1, max: 3 }),
    events: fc.array(fc.record({ word: fc.nat(3), step: fc.nat(3) }), { minLength: 1, maxLength: 6 }),
    start: fc.nat(20),
    pack: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

async function filled(all: readonly Put[]) {
  const log = await openLog(new SimulatedDisk(), new VirtualClock());
  const events: { time: number; order: number; stream: number; message: string }[] = [];
  for (const { stream, events: given, start, pack } of all) {
    let time = start;
    const batch = given.map(({ word, step }) => {
      time += step;
      const message = `${WORDS[word]} in ${events.length + 1}`;
      events.push({ time, order: events.length, stream, message });
      return { timestamp: time, message };
    });
    await log.append(stream, batch);
    if (pack) await log.pack({ all: true });
  }
  events.sort((a, b) => a.time - b.time || a.order - b.order);
  return { log, events };
}

/** Page by page, until there is none. */
async function allPages(log: GroupLog, wanted: Partial<Wanted>, limit: number, budget: number) {
  const found: string[] = [];
  let after: LogPosition | undefined;
  for (let pages = 0; pages < 500; pages += 1) {
    const { hits, next } = await pageOf(log, { ...wanted, after }, { limit, budget });
    expect(hits.length).toBeLessThanOrEqual(limit);
    found.push(...hits.map(({ message }) => message));
    if (!next) return found;
    after = next;
  }
  throw new Error('the pages do not end');
}

describe('a search', () => {
  it('finds in pages of any size, in both directions, what a look at every event finds', async () => {
    const question = fc.record({
      word: fc.option(fc.nat(3), { nil: undefined }),
      stream: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      from: fc.nat(25),
      length: fc.nat(40),
      backward: fc.boolean(),
      limit: fc.integer({ min: 1, max: 5 }),
      // A page without any time left still gets on.
      budget: fc.constantFrom(-1, 60_000),
    });
    await fc.assert(
      fc.asyncProperty(
        puts,
        question,
        async (all, { word, stream, from, length, backward, limit, budget }) => {
          const { log, events } = await filled(all);
          const text = word === undefined ? undefined : (WORDS[word] as string);
          const to = from + length;
          const expected = events.filter(
            (event) =>
              event.time >= from &&
              event.time < to &&
              (text === undefined || event.message.includes(text)) &&
              (stream === undefined || event.stream === stream),
          );
          if (backward) expected.reverse();
          const matcher = text && {
            match: (message: string) => message.includes(text),
            ...{ mustHave: [[text]], literal: text, ofJson: false },
          };
          const wanted = {
            ...{ from, to, backward },
            ...(stream === undefined ? {} : { streams: new Set([stream]) }),
            ...(matcher ? { matcher: prepare(matcher) } : {}),
          };
          const found = await allPages(log, wanted, limit, budget);
          expect(found).toEqual(expected.map(({ message }) => message));
        },
      ),
      { numRuns: 80 },
    );
  });

  it('ends a page at its bytes, but takes one event of any size', async () => {
    const log = await openLog(new SimulatedDisk());
    const messages = ['a'.repeat(300), 'b'.repeat(50), 'c'.repeat(50)];
    await log.append(
      1,
      messages.map((message, i) => ({ timestamp: i, message })),
    );
    const first = await pageOf(log, {}, { bytes: 200 });
    expect(first.hits.map(({ message }) => message)).toEqual(messages.slice(0, 1));
    const second = await pageOf(log, { after: first.next }, { bytes: 200 });
    expect(second.hits.map(({ message }) => message)).toEqual(messages.slice(1));
    expect(second.next).toBeUndefined();
  });

  it('finds a word that JSON has written as an escape', async () => {
    const log = await openLog(new SimulatedDisk());
    await log.append(1, [{ timestamp: 1, message: '{"n\\u0061me":"x"}' }]);
    const matcher = prepare({
      match: (message) => 'name' in JSON.parse(message),
      ...{ mustHave: [['name']], literal: 'name', ofJson: true },
    });
    expect((await pageOf(log, { matcher })).hits).toHaveLength(1);
    await log.pack({ all: true });
    expect((await pageOf(log, { matcher })).hits).toHaveLength(1);
  });

  it('passes over what has not the word, unread', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await log.append(1, [{ timestamp: 1, message: 'an ordinary line' }]);
    await log.pack({ all: true });
    const matcher = prepare({ match: () => true, mustHave: [['unheard']], ofJson: false });
    const before = disk.operations;
    expect(await pageOf(log, { matcher })).toEqual({ hits: [] });
    // Its index and filters were read, and nothing else.
    expect(disk.operations - before).toBe(1);
  });

  it('finds the rest where a file is damaged', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    for (const message of ['first words', 'second words', 'third words']) {
      await log.append(1, [{ timestamp: 1, message }]);
      await log.pack({ all: true });
    }
    const [path] = disk.paths().filter((each) => each.includes('/seg-')) as [string];
    const whole = disk.content(path);
    const [, second, third] = log.view.runs.map(({ run }) => run.offset) as [number, number, number];
    const matcher = prepare({ match: () => true, mustHave: [['words']], ofJson: false });
    // In its header, in its index, in its filters and in its block.
    for (const at of [second + 10, second + 70, third - 30, second + 200]) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] as number) ^ 255;
      disk.put(path, bytes);
      const again = await openLog(disk);
      const found = (await pageOf(again, { matcher })).hits.map(({ message }) => message.split(' ')[0]);
      expect(found.filter((word) => word !== 'second')).toEqual(['first', 'third']);
    }
  });

  it('lets others have a turn within one block, however long its events take', async () => {
    const log = await openLog(new SimulatedDisk());
    const message = 'x'.repeat(20_000);
    await log.append(
      1,
      Array.from({ length: 4 }, (_, timestamp) => ({ timestamp, message })),
    );
    const turns: number[] = [];
    let looked = 0;
    const match = () => {
      looked += 1;
      setImmediate(() => turns.push(looked));
      for (const until = performance.now() + 12; performance.now() < until; );
      return true;
    };
    await pageOf(log, { matcher: prepare({ match, mustHave: [], ofJson: false }) });
    expect(turns.slice(0, 3)).toEqual([1, 2, 3]);
  });

  it('stops when nobody waits for it', async () => {
    const log = await openLog(new SimulatedDisk());
    await log.append(1, [{ timestamp: 1, message: 'line' }]);
    const { hits, next } = await pageOf(log, {}, { signal: AbortSignal.abort() });
    expect([hits, next !== undefined]).toEqual([[], true]);
  });
});

describe('a Bloom filter', () => {
  it('never hides a word', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 30 }), (texts) => {
        const bytes = texts.map((text) => Buffer.from(text));
        let end = 0;
        const ends = Uint32Array.from(bytes, ({ length }) => (end += length));
        const bloom = buildBloom(wordHashes(Buffer.concat(bytes), ends));
        for (const word of texts.flatMap(wordsOf)) expect(mayHave(bloom, wordHash(word))).toBe(true);
      }),
    );
  });

  it('rarely takes one word for another', () => {
    const hashes = Uint32Array.from({ length: 5000 }, (_, i) => wordHash(`word${i}`));
    const bloom = buildBloom(hashes);
    let wrong = 0;
    for (let i = 0; i < 10_000; i += 1) if (mayHave(bloom, wordHash(`other${i}`))) wrong += 1;
    expect(wrong).toBeLessThan(50);
  });
});
