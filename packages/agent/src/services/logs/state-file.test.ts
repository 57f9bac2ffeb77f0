import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { LogsWorld } from '../../../test/logs-world.ts';
import { until } from '../../../test/world.ts';
import { StateFile } from './state-file.ts';

const UNSYNCED = ['positions-a', 'positions-b'];

describe('how far logs were sent', () => {
  it('is known again after a power cut as of half a minute ago, though what was not synced is gone', async () => {
    await using directory = await TempDirectory.create();
    const clock = new VirtualClock();
    const file = new StateFile(directory.at(), clock);
    for (let n = 0; n < 50; n += 1) {
      await file.save({ n });
      await clock.advance(1000);
    }
    for (const name of UNSYNCED) await writeFile(directory.at(name), '');
    const after = new StateFile(directory.at(), clock);
    expect([await after.load(), after.isDamaged]).toEqual([{ n: 30 }, false]);
  });

  it('is synced at most twice a minute, and after a kill the latest is found', async () => {
    await using directory = await TempDirectory.create();
    const clock = new VirtualClock();
    const file = new StateFile(directory.at(), clock);
    for (const n of [1, 2, 3]) await file.save({ n });
    expect(await readFile(join(directory.at(), 'positions-c'), 'utf8')).toContain('{"n":1}');
    expect(await new StateFile(directory.at(), clock).load()).toEqual({ n: 3 });
  });

  it('is told as a gap where nothing of it can be read', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', 'sent\n');
    await world.start([{ path: 'app.log', position: 'start' }]);
    await world.sent(['sent']);
    await world.stop();
    for (const name of [...UNSYNCED, 'positions-c'])
      await writeFile(world.at(`state/db/logs/${name}`), 'torn');
    expect(world.told).toEqual([]);
    await world.start([{ path: 'app.log', position: 'start' }]);
    await until(() => world.told.length > 0);
    expect(world.told).toMatchObject([{ event: 'logs:gap' }]);
    expect(world.told[0]?.facts.source).toContain('app.log');
  });
});
