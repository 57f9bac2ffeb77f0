import { randomBytes } from 'node:crypto';
import { dyingAfterWrite } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Maker, UpdatingDevice } from './updating-device.ts';
import { World } from './world.ts';

let world: World;
let maker: Maker;
let device: UpdatingDevice;
let minor = 0;
beforeAll(async () => {
  world = await World.create();
  maker = await Maker.create(world);
  device = await UpdatingDevice.create(world, maker);
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Hands out the next version, and resolves it with its image. */
async function publish(): Promise<{ version: string; image: Buffer }> {
  minor += 1;
  const version = `1.${minor}.0`;
  const image = randomBytes(300_000);
  await maker.publish(version, image, device.id);
  return { version, image };
}

/** Switches the device on as often as its programs end, until the cloud knows that it runs the version. */
async function arrive(version: string): Promise<void> {
  let isThere = false;
  const result = device.result(version).finally(() => {
    isThere = true;
  });
  while (!isThere) {
    const program = device.start();
    await Promise.race([program.exited, result]);
  }
  const ended = await result;
  expect(ended, JSON.stringify(ended)).toMatchObject({ outcome: 'applied' });
  expect((await device.software()).version).toBe(version);
  await device.program?.kill();
}

describe('a device that is killed in the middle of an update', () => {
  it.each([1, 2, 3, 4])(
    'right after write %i of its journal has the old or the new version working, and arrives at the new',
    async (count) => {
      await device.script('install\necho exit');
      const before = await device.version();
      const { version, image } = await publish();
      const program = device.start(dyingAfterWrite('update/journal.json', count));
      expect((await program.exited).signal, program.said).toBe('SIGKILL');
      expect([before, version]).toContain(await device.version());
      await arrive(version);
      expect((await device.installed()).equals(image)).toBe(true);
    },
  );

  it('right after its image was whole applies it once', async () => {
    await device.script('install\necho exit');
    const { version } = await publish();
    const program = device.start(dyingAfterWrite('update/image'));
    expect((await program.exited).signal, program.said).toBe('SIGKILL');
    await arrive(version);
    expect((await device.ran()).filter((ran) => ran === version)).toHaveLength(1);
  });

  it('by its own script, before and after that has put the version in place, arrives at it', async () => {
    // The script's parent is a shell, whose parent is the agent.
    const killAgent = 'kill -9 $(ps -o ppid= -p $PPID)';
    for (const lines of [`${killAgent}\nsleep 1\ninstall\necho exit`, `install\n${killAgent}`]) {
      await device.script(lines);
      const { version } = await publish();
      const program = device.start();
      expect((await program.exited).signal, program.said).toBe('SIGKILL');
      await arrive(version);
      expect((await device.ran()).filter((ran) => ran === version)).toHaveLength(1);
    }
  });
});
