import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  KEEP_ALL,
  LOSE_ALL,
  SimulatedDisk,
} from '../../../../../database/src/journal/simulated-disk.fixture.ts';
import { DIRECTORY, messagesOf, openLog, smallLimits } from './group-log.fixture.ts';
import type { GroupLog } from './group-log.ts';
import { HeldBytes } from './held-bytes.ts';
import { encodeFrame } from './wal-frame.ts';

const event = (message: string, timestamp = 1000) => ({ timestamp, message });
const text = (i: number) => `line ${i} ${'x'.repeat(40)}`;

describe('a group log', () => {
  it('has every event that it acknowledged after a power cut, packed or not', async () => {
    const disk = new SimulatedDisk();
    const clock = new VirtualClock();
    const log = await openLog(disk, clock, smallLimits);
    const all = Array.from({ length: 30 }, (_, i) => text(i));
    for (const message of all) await log.append(1, [event(message)]);
    await log.pack();
    expect(disk.paths().some((path) => path.includes('/seg-'))).toBe(true);
    const again = await openLog(disk.crash(LOSE_ALL), clock, smallLimits);
    expect(await messagesOf(again)).toEqual(all);
    await again.append(1, [event('one more')]);
    expect(await messagesOf(again)).toEqual([...all, 'one more']);
  });

  it('loses nothing and doubles nothing wherever the power goes off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(110),
        fc.integer(),
        fc.integer({ min: 0, max: 2 }),
        async (after, seed, chance) => {
          const disk = new SimulatedDisk();
          const clock = new VirtualClock();
          const log = await openLog(disk, clock, smallLimits);
          disk.powerFor = disk.operations + after;
          const acknowledged = await putUntilDark(log, 24);
          const random = [LOSE_ALL, KEEP_ALL, randomOf(seed)][chance] as () => number;
          const again = await openLog(disk.crash(random), clock, smallLimits);
          const found = await messagesOf(again);
          const unsure = found.slice(acknowledged.length);
          expect(found.slice(0, acknowledged.length)).toEqual(acknowledged);
          // What was under way may be there, whole.
          expect(unsure.every((message) => /^line \d+ x{40}$/.test(message))).toBe(true);
          expect(new Set(found).size).toBe(found.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows an event once while it is packed', async () => {
    const log = await openLog(new SimulatedDisk(), new VirtualClock(), smallLimits);
    for (let i = 0; i < 10; i += 1) await log.append(1, [event(text(i))]);
    const packing = log.pack({ all: true });
    let isOver = false;
    void packing.then(() => {
      isOver = true;
    });
    while (!isOver) {
      expect(await messagesOf(log)).toHaveLength(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(log.view.parts).toEqual([]);
    expect(await messagesOf(log)).toHaveLength(10);
  });

  it.each(['ENOSPC', 'EIO'])('refuses what the disk does not take (%s), and goes on', async (code) => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await log.append(1, [event('before')]);
    disk.fault = (operation) => (operation === 'write' ? { code } : undefined);
    await expect(log.append(1, [event('refused')])).rejects.toMatchObject({
      code: 'LOG_STORE_UNWRITABLE',
      status: 503,
    });
    disk.fault = () => undefined;
    await log.append(1, [event('behind')]);
    expect(await messagesOf(log)).toEqual(['before', 'behind']);
    expect(await messagesOf(await openLog(disk.crash(LOSE_ALL)))).toEqual(['before', 'behind']);
  });

  it('keeps what cannot be packed, and packs it later', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await log.append(1, [event('a'), event('b')]);
    disk.fault = (operation, path) =>
      operation === 'write' && path.includes('/seg-') ? { code: 'ENOSPC' } : undefined;
    await log.pack({ all: true });
    expect(await messagesOf(log)).toEqual(['a', 'b']);
    disk.fault = () => undefined;
    await log.pack({ all: true });
    expect(log.view.parts).toEqual([]);
    expect(await messagesOf(await openLog(disk.crash(LOSE_ALL)))).toEqual(['a', 'b']);
  });

  it('finds the whole puts of a log that ends anywhere', async () => {
    const disk = new SimulatedDisk();
    const clock = new VirtualClock();
    const log = await openLog(disk, clock);
    for (const message of ['first', 'second', 'third']) await log.append(1, [event(message)]);
    const [path] = disk.paths() as [string];
    const whole = disk.content(path);
    const size = whole.length;
    const frame = (message: string) => 32 + 12 + message.length;
    for (let length = 0; length <= size; length += 1) {
      const torn = new SimulatedDisk();
      torn.put(path, whole.subarray(0, length));
      const found = await messagesOf(await openLog(torn, clock));
      const expected = ['first', 'second', 'third'].filter(
        (_, i, all) => length >= all.slice(0, i + 1).reduce((sum, message) => sum + frame(message), 0),
      );
      expect(found).toEqual(expected);
    }
  });

  it('keeps the puts around a damaged one', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    for (const message of ['first', 'second', 'third']) await log.append(1, [event(message)]);
    const [path] = disk.paths() as [string];
    const bytes = disk.content(path);
    const at = bytes.indexOf('second');
    bytes[at] = 0;
    const damaged = new SimulatedDisk();
    damaged.put(path, bytes);
    expect(await messagesOf(await openLog(damaged))).toEqual(['first', 'third']);
  });

  it('keeps many small puts together, in memory and when it is opened again', async () => {
    const disk = new SimulatedDisk();
    const memory = new HeldBytes();
    const log = await openLog(disk, new VirtualClock(), {}, memory);
    const all = Array.from({ length: 3000 }, (_, i) => `${i}`);
    await Promise.all(all.map((message, i) => log.append(1 + (i % 3), [event(message, i)])));
    for (const message of ['x', 'y', 'z']) await log.append(1, [event(message, 5000)]);
    expect(log.view.parts.length).toBeLessThan(20);
    expect(memory.bytes).toBe(log.size);
    expect(log.size).toBeGreaterThan(3000 * 24);
    expect(await messagesOf(log)).toEqual([...all, 'x', 'y', 'z']);
    const again = await openLog(disk.crash(LOSE_ALL));
    expect(again.view.parts.length).toBeLessThan(20);
    expect(await messagesOf(again)).toEqual([...all, 'x', 'y', 'z']);
    await log.close();
    expect(memory.bytes).toBe(0);
  });

  it('passes over a put of nothing', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await log.append(1, [event('first')]);
    const [path] = disk.paths() as [string];
    const empty = encodeFrame(1, [], 5_000_000).bytes;
    disk.put(path, Buffer.concat([empty, disk.content(path), empty]));
    const again = await openLog(disk);
    expect(again.view.parts.map(({ count }) => count)).toEqual([1]);
    await again.append(1, [event('second')]);
    expect(await messagesOf(await openLog(disk))).toEqual(['first', 'second']);
  });

  it('drops a run that was torn, which the write-ahead log still has', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    await log.append(1, [event('a')]);
    await log.pack({ all: true });
    await log.append(1, [event('b')]);
    await log.pack({ all: true });
    const segment = disk.paths().find((path) => path.includes('/seg-')) as string;
    const whole = disk.content(segment);
    // As it was when only the first run was there.
    const first = await openLog(disk).then(({ view }) => view.runs[1]?.run.offset as number);
    for (let length = first; length < whole.length; length += 3) {
      const torn = new SimulatedDisk();
      const bytes = Buffer.concat([whole.subarray(0, length), Buffer.alloc(whole.length - length)]);
      if (bytes.equals(whole)) continue;
      torn.put(segment, bytes);
      const again = await openLog(torn);
      expect(await messagesOf(again)).toEqual(['a']);
      if (length % 60 > 0) continue;
      await again.append(1, [event('c')]);
      await again.pack({ all: true });
      expect(await messagesOf(await openLog(torn))).toEqual(['a', 'c']);
    }
  });

  it('finds what lies behind a damaged header, and never cuts off what it does not know', async () => {
    const disk = new SimulatedDisk();
    const log = await openLog(disk);
    for (const message of ['first', 'second', 'third']) {
      await log.append(1, [event(message)]);
      await log.pack({ all: true });
    }
    const [path] = disk.paths().filter((each) => each.includes('/seg-')) as [string];
    const whole = disk.content(path);
    const runs = log.view.runs.map(({ run }) => run.offset);
    for (const damaged of [0, 1, 2]) {
      const bytes = Buffer.from(whole);
      bytes[(runs[damaged] as number) + 20] = (bytes[(runs[damaged] as number) + 20] as number) ^ 255;
      const files = new SimulatedDisk();
      files.put(path, bytes);
      const others = ['first', 'second', 'third'].filter((_, index) => index !== damaged);
      const again = await openLog(files);
      expect(await messagesOf(again)).toEqual(others);
      await again.append(1, [event('fourth')]);
      await again.pack({ all: true });
      expect(await messagesOf(await openLog(files.crash(LOSE_ALL)))).toEqual([...others, 'fourth']);
      expect(files.content(path).subarray(0, bytes.length).equals(bytes)).toBe(true);
    }
  });

  it('removes segments whose events are all too old, and packs what has waited for a day', async () => {
    const disk = new SimulatedDisk();
    const clock = new VirtualClock();
    const log = await openLog(disk, clock);
    const day = 86_400_000;
    const begin = clock.now();
    await log.append(1, [event('old', begin)]);
    await clock.advance(day + 1);
    await log.tidy(undefined);
    expect(disk.paths().filter((path) => path.includes('/seg-'))).toHaveLength(1);
    await log.append(1, [event('new', clock.now())]);
    await clock.advance(day + 1);
    await log.tidy(begin);
    expect(await messagesOf(log)).toEqual(['old', 'new']);
    await log.tidy(begin + 1);
    expect(await messagesOf(log)).toEqual(['new']);
    expect(disk.paths().filter((path) => path.includes('/seg-'))).toHaveLength(1);
    expect(await messagesOf(await openLog(disk.crash(LOSE_ALL), clock))).toEqual(['new']);
  });

  it('numbers arrivals on, also when the clock is set back', async () => {
    const disk = new SimulatedDisk();
    const clock = new VirtualClock(5_000_000);
    const log = await openLog(disk, clock);
    await log.append(1, [event('a'), event('b')]);
    await log.close();
    const earlier = await openLog(disk, new VirtualClock(1_000_000));
    await earlier.append(1, [event('c')]);
    expect(await messagesOf(earlier)).toEqual(['a', 'b', 'c']);
    await expect(log.append(1, [event('d')])).rejects.toMatchObject({ code: 'LOG_GROUP_UNKNOWN' });
    expect(disk.paths().every((path) => path.startsWith(DIRECTORY))).toBe(true);
  });
});

/** Puts until the disk is off; resolves with what was acknowledged. */
async function putUntilDark(log: GroupLog, most: number): Promise<string[]> {
  const acknowledged: string[] = [];
  try {
    for (let i = 0; i < most; i += 1) {
      await log.append(1, [event(text(i))]);
      acknowledged.push(text(i));
    }
    await log.pack({ all: true });
  } catch {
    // The power is off.
  }
  return acknowledged;
}

function randomOf(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 0) / 2 ** 32;
  };
}
