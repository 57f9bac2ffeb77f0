import { generateKeyPairSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offerOf, PRODUCT, UpdateWorld } from './update.fixture.ts';

let world: UpdateWorld;
beforeEach(async () => {
  world = await UpdateWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

const DAY = 86_400_000;
const SHUT = { from: () => Number.POSITIVE_INFINITY };
const COPY = 'cp "$1" "$(dirname "$0")/applied"';
const isApplied = () =>
  readFile(world.at('applied')).then(
    () => true,
    () => false,
  );

describe('an image that waits for its window', () => {
  beforeEach(async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: COPY, apply: SHUT });
    await world.until(async () => (await world.journal()).current?.stage === 'ready');
    await world.off();
  });

  it('is not applied once its key is none of the maker’s any more', async () => {
    const keys = [generateKeyPairSync('ed25519').publicKey];
    await world.on({ script: COPY, trust: { keys, unsigned: false, product: PRODUCT, maxSize: 2 ** 30 } });
    expect(await world.reported()).toMatchObject({ version: '2.0.0', code: 'UPDATE_SIGNATURE' });
    expect(await isApplied()).toBe(false);
    expect(await world.files()).not.toContain('image');
  });

  it('is not applied on the word of its journal alone', async () => {
    const journal = await world.journal();
    const { offer } = journal.current ?? {};
    const forged = { ...journal, current: { ...journal.current, offer: { ...offer, version: '3.0.0' } } };
    await writeFile(world.at('update', 'journal.json'), JSON.stringify(forged));
    await world.on({ script: COPY });
    await world.until(() => world.ended.length > 0);
    expect(world.ended).toMatchObject([{ version: '3.0.0', code: 'UPDATE_SIGNATURE' }]);
    expect(await isApplied()).toBe(false);
  });

  it('is not applied after months off where the cloud has taken it back meanwhile', async () => {
    await world.clock.advance(90 * DAY);
    world.offer = undefined;
    await world.on({ script: COPY });
    await world.until(async () => (await world.journal()).current === undefined);
    expect(await isApplied()).toBe(false);
  });

  it('is applied after months off once the cloud has named it again', async () => {
    await world.clock.advance(90 * DAY);
    const asked = world.reports.length;
    await world.on({ script: COPY });
    await world.until(isApplied);
    expect(world.reports.length).toBeGreaterThan(asked);
    expect(world.ranges).toHaveLength(1);
  });

  it('is not called applied for what the script of an earlier update has left', async () => {
    let isShut = true;
    await world.on({ script: COPY, apply: { from: (time) => (isShut ? Infinity : time) } });
    await world.until(async () => (await world.service.found('2.0.0')) !== undefined);
    await writeFile(world.at('update', 'script.code'), '0\n');
    const left: string[] = [];
    // Between the intent and the script, where a power cut would leave it so.
    world.events.on('device:update', () => void left.push(...readdirSync(world.at('update'))));
    isShut = false;
    await world.service.check();
    await world.until(isApplied);
    expect(left).toContain('image');
    expect(left).not.toContain('script.code');
  });

  it.each([
    ['{"current":{"stage":"ready"}}'],
    [
      JSON.stringify({
        current: { offer: { ...offerOf('2.0.0'), version: 'new' }, stage: 'ready', tries: 0 },
      }),
    ],
  ])('is asked for anew where the journal says %s', async (text) => {
    await writeFile(world.at('update', 'journal.json'), text);
    await world.on({ script: COPY });
    expect(await world.reported()).toMatchObject({ version: '2.0.0', outcome: 'applied' });
  });
});

describe('an image in the hands of a listener', () => {
  const hand = async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: 'exit 1' });
    const offered = world.events.next('device:update');
    world.events.on('device:update', ({ preventDefault }) => preventDefault());
    await world.until(async () => (await world.journal()).current?.stage === 'handed');
    return offered;
  };

  it('stays there while the cloud names another, or none, until the listener has finished', async () => {
    const { finish, file } = await hand();
    world.offer = undefined;
    await world.service.check();
    expect((await readFile(file)).length).toBeGreaterThan(0);
    finish();
    await world.until(() => world.ended.length > 0);
    expect(world.ended).toEqual([{ version: '2.0.0', outcome: 'applied' }]);
    await world.until(async () => !(await world.files()).includes('image'));
  });

  it('is offered again when the listener could not apply it', async () => {
    const { finish } = await hand();
    const again = world.events.next('device:update');
    finish(new Error('no such partition'));
    expect(await world.until(() => Promise.race([again, undefined]))).toMatchObject({ version: '2.0.0' });
  });
});
