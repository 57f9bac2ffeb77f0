import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { CodedError } from '@ioto/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IMAGE, offerOf, UpdateWorld } from './update.fixture.ts';

let world: UpdateWorld;
beforeEach(async () => {
  world = await UpdateWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

const HOUR = 3_600_000;
const applied = { version: '2.0.0', outcome: 'applied' };
/** Keeps a copy of each image that it is given. */
const COPY = 'n=$(ls "$(dirname "$0")"/applied.* 2>/dev/null | wc -l)\ncp "$1" "$(dirname "$0")/applied.$n"';
const copies = (n: number) => readFile(world.at(`applied.${n}`));

describe('a device that checks in', () => {
  it('asks 15 s after its first start, then once in a period, also when it was off meanwhile', async () => {
    await world.on();
    await world.clock.advance(14_000);
    expect(world.reports).toHaveLength(0);
    await world.until(() => world.reports.length === 1);
    await world.clock.advance(23 * HOUR);
    await world.off();
    await world.on();
    await world.clock.advance(HOUR / 2);
    expect(world.reports).toHaveLength(1);
    await world.until(() => world.reports.length === 2, HOUR);
  });

  it('puts its check-ins off by chance, and asks at once when it is told to', async () => {
    await world.on({ settings: { jitter: HOUR } });
    await world.until(() => world.reports.length === 1);
    await world.clock.advance(24.4 * HOUR);
    expect(world.reports).toHaveLength(1);
    await world.until(() => world.reports.length === 2, HOUR);
    expect(await world.service.check()).toEqual({ is: 'none' });
    expect(world.reports).toHaveLength(3);
  });

  it('waits until it is claimed, and tries again when there is no answer', async () => {
    world.isClaimed = false;
    await world.on();
    await world.clock.advance(HOUR);
    expect(world.reports).toHaveLength(0);
    world.isClaimed = true;
    world.offer = new CodedError('URL_UNREACHABLE', 'no way');
    world.events.emit('device:claimed', { id: 'X', accountId: 'A', api: 'https://cloud/api' });
    await world.clock.advance(60_000);
    await expect(world.service.check()).rejects.toMatchObject({ code: 'URL_UNREACHABLE' });
    world.offer = undefined;
    await world.until(() => world.reports.length === 1);
  });
});

describe('an update', () => {
  it('is fetched, verified, applied and reported', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: `${COPY}\necho "$UPDATE_VERSION" >&2` });
    expect(await world.reported()).toEqual(applied);
    expect(world.ended).toEqual([applied]);
    expect((await copies(0)).equals(IMAGE)).toBe(true);
    expect(world.restarts).toEqual([]);
    // The image has done its duty, and what has ended does not begin again.
    expect(await world.files()).not.toContain('image');
    await world.clock.advance(72 * HOUR);
    expect(world.ranges).toHaveLength(1);
  });

  it.each(['exit', 'restart'] as const)(
    'whose script says %s ends the program, and is proven when it comes up',
    async (how) => {
      world.offer = offerOf('2.0.0');
      await world.on({ script: `echo working\necho ${how}` });
      await world.until(() => world.restarts.length > 0);
      expect(world.restarts).toEqual([{ version: '2.0.0', how }]);
      expect(world.ended).toEqual([]);
      await world.off();
      await world.on({ version: '2.0.0' });
      expect(await world.reported()).toEqual(applied);
      await world.off();
    },
  );

  it('that is not there after the restart has failed, and is not tried again by itself', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: 'echo restart' });
    await world.until(() => world.restarts.length > 0);
    await world.off();
    await world.on({ script: 'echo restart' });
    expect(await world.reported()).toMatchObject({ outcome: 'failed', code: 'UPDATE_NOT_TAKEN' });
    await world.clock.advance(48 * HOUR);
    expect(world.ranges).toHaveLength(1);
    expect(await world.service.check()).toEqual({ is: 'under-way', version: '2.0.0' });
    await world.until(() => world.restarts.length > 1);
  });

  it('is left to a listener that prevents the default', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: COPY });
    const offered = world.events.next('device:update');
    world.events.on('device:update', ({ preventDefault }) => preventDefault());
    await world.until(async () => (await world.journal()).current?.stage === 'handed');
    const { version, file } = await offered;
    expect({ version, same: (await readFile(file)).equals(IMAGE) }).toEqual({ version: '2.0.0', same: true });
    await expect(copies(0)).rejects.toThrow();
    await world.off();
    await world.on({ version: '2.0.0' });
    expect(await world.reported()).toEqual(applied);
  });

  it('waits for its window, and is taken back when the cloud names it no more', async () => {
    // Far off: time goes on with each look, and the disk may need many.
    const opens = world.clock.now() + 2000 * HOUR;
    world.offer = offerOf('2.0.0');
    await world.on({ script: COPY, apply: { from: (time) => Math.max(time, opens) } });
    await world.until(async () => (await world.journal()).current?.stage === 'ready');
    world.offer = undefined;
    await world.until(async () => (await world.journal()).current === undefined, HOUR);
    await world.until(async () => !(await world.files()).includes('image'), HOUR);
    world.offer = offerOf('2.1.0');
    await world.until(async () => (await world.journal()).current?.stage === 'ready', HOUR);
    expect(world.clock.now()).toBeLessThan(opens);
    expect((await world.until(() => world.ended[0], 100 * HOUR))?.version).toBe('2.1.0');
    expect(world.clock.now()).toBeGreaterThanOrEqual(opens);
  });

  it('gives way to a newer one, in the middle of its download', async () => {
    const newer = Buffer.alloc(50_000, 'newer');
    world.offer = offerOf('2.0.0');
    world.serving = { stalls: true, cutAfter: 32_768 };
    await world.on({ script: COPY });
    await world.until(() => world.ranges.length === 1);
    world.offer = offerOf('2.1.0', newer);
    world.serving = { image: newer };
    expect(await world.service.check()).toEqual({ is: 'under-way', version: '2.1.0' });
    expect(await world.reported()).toMatchObject({ version: '2.1.0', outcome: 'applied' });
    expect((await copies(0)).equals(newer)).toBe(true);
  });

  it('without anybody to apply it is kept, and the owner hears why', async () => {
    world.offer = offerOf('2.0.0');
    await world.on();
    expect(await world.reported()).toMatchObject({ outcome: 'failed', code: 'UPDATE_NO_SCRIPT' });
    await world.off();
    await world.on({ script: COPY });
    await world.until(() => world.ended.at(-1)?.outcome === 'applied');
    expect(world.ranges).toHaveLength(1);
  });

  it('goes with the owner, unless it is applied already', async () => {
    world.offer = offerOf('2.0.0');
    world.serving = { stalls: true, cutAfter: 32_768 };
    await world.on({ script: COPY });
    await world.until(() => world.ranges.length === 1);
    world.events.emit('device:released', { id: 'X', reason: 'message' });
    await world.until(async () => (await world.journal()).current === undefined);
    await world.until(async () => !(await world.files()).includes('image.part'));
    expect(await world.journal()).toEqual({});
  });
});

describe('a download', () => {
  const broken = (code: string) => world.until(() => world.ended.find((end) => end.code === code));

  it('goes on where it broke off, in this life and in the next', async () => {
    world.offer = offerOf('2.0.0');
    world.serving = () => ({ cutAfter: 40_000 });
    await world.on({ script: COPY });
    await world.until(() => world.ranges.length === 3);
    await world.off();
    await world.on({ script: COPY });
    expect(await world.reported()).toEqual(applied);
    expect((await copies(0)).equals(IMAGE)).toBe(true);
    expect(world.ranges).toEqual([
      undefined,
      ...[40, 80, 120, 160].map((thousands) => `bytes=${thousands}000-`),
    ]);
  });

  it('begins anew when what a power cut left is not what had come', async () => {
    world.offer = offerOf('2.0.0');
    world.serving = { cutAfter: 40_000 };
    await world.on({ script: COPY });
    await world.until(() => world.ranges.length === 1);
    await world.off();
    await writeFile(world.at('update', 'image.part'), Buffer.alloc(40_000));
    world.serving = {};
    await world.on({ script: COPY });
    expect(await world.reported()).toEqual(applied);
    expect(world.ranges.at(-1)).toBeUndefined();
  });

  it('takes the whole again of a server that knows no ranges', async () => {
    world.offer = offerOf('2.0.0');
    let served = 0;
    world.serving = () => ({ whole: true, ...(served++ === 0 ? { cutAfter: 40_000 } : {}) });
    await world.on({ script: COPY });
    expect(await world.reported()).toEqual(applied);
    expect((await copies(0)).equals(IMAGE)).toBe(true);
  });

  it('asks the cloud for another URL when the one it has holds no longer', async () => {
    world.offer = offerOf('2.0.0');
    world.serving = () => (world.reports.length < 3 ? { status: 403 } : {});
    await world.on({ script: COPY });
    expect(await world.reported()).toEqual(applied);
    expect(world.ranges).toHaveLength(3);
  });

  it('is given up for the day when it breaks off again and again, and goes on the next day', async () => {
    world.offer = offerOf('2.0.0');
    world.serving = { status: 503 };
    await world.on({ script: COPY });
    expect(await broken('UPDATE_TRUNCATED')).toMatchObject({ message: expect.stringContaining('503') });
    const asked = world.ranges.length;
    await world.clock.advance(20 * HOUR);
    expect(world.ranges).toHaveLength(asked);
    world.serving = {};
    await world.until(() => world.ended.at(-1)?.outcome === 'applied', HOUR);
  });

  it('ends when nothing comes any more, and goes on', async () => {
    world.offer = offerOf('2.0.0');
    let served = 0;
    world.serving = () => (served++ === 0 ? { stalls: true, cutAfter: 40_000 } : {});
    await world.on({ script: COPY });
    expect(await world.reported()).toEqual(applied);
    expect(world.ranges.at(-1)).toBe('bytes=40000-');
  });

  it('takes no more of the line than it may', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: COPY, settings: { throttle: 20_000 } });
    await world.until(() => world.ranges.length === 1);
    const began = world.clock.now();
    await world.until(async () => (await world.journal()).current?.stage !== 'downloading', 100);
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(9_000);
    expect(world.clock.now() - began).toBeLessThan(14_000);
  });

  it('is refused before it begins where there is no room', async () => {
    world.offer = { ...offerOf('2.0.0'), size: 2 ** 50, signature: undefined };
    const trust = { keys: [], unsigned: true, product: 'P', maxSize: Infinity };
    await world.on({ trust, script: COPY });
    expect(await broken('UPDATE_NO_ROOM')).toBeTruthy();
    expect(world.ranges).toEqual([]);
  });
});

describe('an image that is', () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  it.each<[string, () => void, string]>([
    [
      'unsigned',
      () => {
        world.offer = offerOf('2.0.0', IMAGE, undefined);
        delete world.offer.signature;
      },
      'UPDATE_UNSIGNED',
    ],
    [
      'signed by a stranger',
      () => {
        world.offer = offerOf('2.0.0', IMAGE, stranger);
      },
      'UPDATE_SIGNATURE',
    ],
    [
      'an old one under a new name',
      () => {
        world.offer = { ...offerOf('0.9.0'), version: '2.0.0' };
      },
      'UPDATE_SIGNATURE',
    ],
    [
      'older than what runs',
      () => {
        world.offer = offerOf('0.9.0');
      },
      'UPDATE_DOWNGRADE',
    ],
  ])('%s is refused before a byte of it is fetched, and told of once', async (_what, prepare, code) => {
    prepare();
    await world.on({ script: COPY });
    expect(await world.reported()).toMatchObject({ outcome: 'failed', code });
    await world.clock.advance(72 * HOUR);
    expect(world.ranges).toEqual([]);
    expect(world.ended).toHaveLength(1);
  });

  it.each<[string, Buffer, string]>([
    ['altered', Buffer.concat([IMAGE.subarray(1), Buffer.from('x')]), 'UPDATE_CHECKSUM'],
    ['longer', Buffer.concat([IMAGE, Buffer.from('x')]), 'UPDATE_CHECKSUM'],
    ['truncated', IMAGE.subarray(0, 100_000), 'UPDATE_TRUNCATED'],
  ])('%s on its server is never applied', async (_what, image, code) => {
    world.offer = offerOf('2.0.0');
    world.serving = { image };
    await world.on({ script: COPY });
    expect(await world.reported()).toMatchObject({ outcome: 'failed', code });
    await expect(copies(0)).rejects.toThrow();
    expect(world.ranges.length).toBeLessThan(12);
  });

  it('altered on the disk before its window opens is fetched anew', async () => {
    let opens = Infinity;
    world.offer = offerOf('2.0.0');
    await world.on({ script: COPY, apply: { from: (time) => Math.max(time, opens) } });
    await world.until(async () => (await world.journal()).current?.stage === 'ready');
    await writeFile(world.at('update', 'image'), 'worm');
    opens = 0;
    await world.service.check();
    expect(await world.reported()).toEqual(applied);
    expect((await copies(0)).equals(IMAGE)).toBe(true);
  });
});

describe('a script that', () => {
  it('fails is tried three times, and the owner hears its last words', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: `${COPY}\necho first >&2\necho "no such partition" >&2\nexit 3` });
    expect(await world.reported()).toMatchObject({
      code: 'UPDATE_SCRIPT',
      message: 'scripts.update failed: exit code 3: no such partition',
    });
    await copies(2);
    await expect(copies(3)).rejects.toThrow();
    expect(world.ranges).toHaveLength(1);
  });

  it('does not end is killed with all that it began', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: 'sleep 100 & sleep 100', settings: { timeout: 200 } });
    expect(await world.reported()).toMatchObject({
      message: expect.stringContaining('did not end within 0.2 s'),
    });
  });

  it('runs on when the agent ends is not run a second time beside itself, and what it says holds', async () => {
    world.offer = offerOf('2.0.0');
    const wait = 'while [ ! -e "$(dirname "$0")/go" ]; do sleep 0.02; done';
    await world.on({ script: `${COPY}\n${wait}\necho restart` });
    await world.until(() =>
      copies(0).then(
        () => true,
        () => false,
      ),
    );
    await world.off();
    await world.on({ script: 'exit 1' });
    await world.clock.advance(5000);
    expect(await world.journal()).toMatchObject({ current: { stage: 'applying', tries: 1 } });
    await writeFile(world.at('go'), '');
    await world.until(() => world.restarts.length > 0);
    expect(await world.journal()).toMatchObject({ current: { stage: 'restarting' } });
    await expect(copies(1)).rejects.toThrow();
  });
});

describe('a journal', () => {
  it('that cannot be read is begun anew', async () => {
    world.offer = offerOf('2.0.0');
    await world.on();
    await world.until(async () => (await world.journal()).checked !== undefined);
    await world.off();
    await writeFile(world.at('update', 'journal.json'), '{ "cur');
    await world.on({ script: COPY });
    expect(await world.reported()).toEqual(applied);
  });
});
