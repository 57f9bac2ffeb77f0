import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IMAGE, offerOf, UpdateWorld } from './update.fixture.ts';

let world: UpdateWorld;
beforeEach(async () => {
  world = await UpdateWorld.create();
  world.isClaimed = false;
  await writeFile(world.at('brought.bin'), IMAGE);
});
afterEach(() => world[Symbol.asyncDispose]());

const image = (version: string, of = offerOf(version)) => ({
  path: world.at('brought.bin'),
  version,
  ...(of.signature !== undefined && { signature: of.signature }),
});

describe('an image that somebody brings to a device without a cloud', () => {
  it('is applied at once, outside of every window, and stays where it was', async () => {
    await world.on({ script: `cp "$1" ${world.at('applied')}`, apply: { from: () => Infinity } });
    await world.service.install(image('2.0.0'));
    await world.until(() => world.ended.length > 0);
    expect(world.ended).toEqual([expect.objectContaining({ version: '2.0.0', outcome: 'applied' })]);
    expect(await readFile(world.at('applied'))).toEqual(IMAGE);
    expect(await readFile(world.at('brought.bin'))).toEqual(IMAGE);
    expect((await readdir(world.at('update'))).filter((name) => name.startsWith('local-'))).toEqual([]);
    // What was applied once is not gone back behind.
    await expect(world.service.install(image('1.5.0'))).rejects.toMatchObject({ code: 'UPDATE_DOWNGRADE' });
  });

  it.each([
    ['unsigned', () => ({ path: world.at('brought.bin'), version: '2.0.0' }), 'UPDATE_UNSIGNED'],
    ['signed for another version', () => image('3.0.0', offerOf('2.0.0')), 'UPDATE_SIGNATURE'],
    ['older than what runs', () => image('0.9.0'), 'UPDATE_DOWNGRADE'],
    ['of no version', () => image('new'), 'UPDATE_OFFER'],
    ['not there', () => ({ ...image('2.0.0'), path: world.at('nowhere') }), 'UPDATE_OFFER'],
  ])('is refused, and nothing of it stays, when it is %s', async (_what, brought, code) => {
    await world.on({ script: 'exit 0' });
    await expect(world.service.install(brought())).rejects.toMatchObject({ code });
    expect((await world.journal()).current).toBeUndefined();
    expect(await world.files()).not.toContainEqual(expect.stringMatching(/^(local-|image)/));
  });

  it('is applied after a power cut, too', async () => {
    await world.on({ script: 'exit 1' });
    await world.service.install(image('2.0.0'));
    await world.off();
    await world.on({ script: `cp "$1" ${world.at('applied')}` });
    await world.until(() => world.ended.some(({ outcome }) => outcome === 'applied'));
    expect(await readFile(world.at('applied'))).toEqual(IMAGE);
  });

  it('is given up where its file is spoilt on the disk: there is nobody to fetch it from', async () => {
    await world.on({ script: 'exit 0', apply: { from: (time) => time } });
    await world.off();
    await world.on({ script: 'sleep 1; exit 1' });
    await world.service.install(image('2.0.0'));
    await world.off();
    await writeFile(world.at('spoilt'), 'spoilt');
    await rename(world.at('spoilt'), world.at('update', 'image'));
    await world.on({ script: 'exit 0' });
    await world.until(() => world.ended.length > 0);
    expect(world.ended[0]).toMatchObject({ outcome: 'failed' });
    expect(world.ranges).toEqual([]);
  });

  it('takes the place of one that is being fetched, and is not dropped by a cloud that knows nothing of it', async () => {
    world.isClaimed = true;
    world.offer = offerOf('1.5.0');
    world.serving = { stalls: true, cutAfter: 1000 };
    await world.on({ script: `cp "$1" ${world.at('applied')}` });
    await world.until(() => world.ranges.length > 0);
    await world.service.install(image('2.0.0'));
    world.offer = undefined;
    await world.until(() => world.ended.length > 0);
    expect(world.ended[0]).toMatchObject({ version: '2.0.0', outcome: 'applied' });
  });

  it('waits for no second one while it is being applied', async () => {
    await world.on({ script: 'sleep 2' });
    await world.service.install(image('2.0.0'));
    await world.until(async () => (await world.journal()).current?.stage === 'applying');
    await expect(world.service.install(image('3.0.0'))).rejects.toMatchObject({ code: 'UPDATE_BUSY' });
  });
});

describe('a cloud', () => {
  it('cannot offer what only the device can: an image that lies there already', async () => {
    world.isClaimed = true;
    world.offer = { ...offerOf('2.0.0'), url: 'file:image' };
    await world.on({ script: 'exit 0' });
    await world.service.check();
    expect((await world.journal()).current?.stage).not.toBe('ready');
  });
});
