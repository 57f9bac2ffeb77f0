import { mkdirSync, rmdirSync } from 'node:fs';
import { mkdir, rm, unlink } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offerOf, UpdateWorld } from './update.fixture.ts';

let world: UpdateWorld;
beforeEach(async () => {
  world = await UpdateWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

const HOUR = 3_600_000;
const journalFile = () => world.at('update', 'journal.json');
/** No file takes the place of a directory. */
const refuse = async () => {
  await unlink(journalFile()).catch(() => undefined);
  await mkdir(`${journalFile()}/x`, { recursive: true });
};
const takeAgain = () => rm(journalFile(), { recursive: true });

describe('a disk that takes neither image nor journal', () => {
  it('is told to the owner, and an update goes on as soon as there is room', async () => {
    world.offer = { ...offerOf('2.0.0'), size: 2 ** 50, signature: undefined };
    const trust = { keys: [], unsigned: true, product: 'P', maxSize: Infinity };
    await world.on({ trust, script: 'true' });
    await refuse();
    expect(await world.reported()).toMatchObject({ code: 'UPDATE_NO_ROOM' });
    await takeAgain();
    await world.until(async () => (await world.journal()).current?.offer.version === '2.0.0', 1000);
    world.offer = { ...offerOf('2.1.0'), signature: undefined };
    await world.until(() => world.ended.some(({ outcome }) => outcome === 'applied'), HOUR);
  });

  it('has nothing applied that is not written down, and all is well when it takes it', async () => {
    let opens = Infinity;
    let offered = 0;
    world.offer = offerOf('2.0.0');
    await world.on({ script: 'true', apply: { from: (time) => Math.max(time, opens) } });
    world.events.on('device:update', () => {
      offered += 1;
    });
    await world.until(async () => (await world.journal()).current?.stage === 'ready');
    await refuse();
    opens = 0;
    await world.service.check();
    await world.clock.advance(HOUR / 2);
    expect(offered).toBe(0);
    await takeAgain();
    await world.until(() => world.ended.length > 0);
    expect([world.ended, offered]).toEqual([[{ version: '2.0.0', outcome: 'applied' }], 1]);
  });

  it('does not leave an update for ever that its script could not be started for', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: 'true' });
    const out = world.at('update', 'script.out');
    let tries = 0;
    world.events.on('device:update', () => {
      tries += 1;
      if (tries === 1) mkdirSync(out);
    });
    await world.until(async () => {
      const { current } = await world.journal();
      return tries === 1 && current?.stage === 'ready' && current.tries === 1;
    });
    rmdirSync(out);
    await world.until(() => world.ended.some(({ outcome }) => outcome === 'applied'));
    expect(tries).toBe(2);
  });
});
