import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import { DiskRoom } from './disk-room.ts';

it('a disk that is nearly full is told of once a minute, with where it is and what to do', async () => {
  const clock = new VirtualClock();
  const said: unknown[][] = [];
  let free = 1000;
  const room = new DiskRoom({
    ...{ directory: '/logs', clock, look: async () => ({ size: 1_000_000, free }) },
    logger: { warn: (...words: unknown[]) => said.push(words) } as never,
  });
  const refused = { code: 'LOG_STORE_UNWRITABLE' };
  for (let second = 0; second < 59; second += 1) {
    await expect(room.require()).rejects.toMatchObject(refused);
    await clock.advance(1000);
  }
  expect(said).toEqual([
    [
      { directory: '/logs', free: 1000, needed: 50_000 },
      expect.stringMatching(/\/logs has 1000 bytes free, .* from 50000 on: free space on it/),
    ],
  ]);
  await clock.advance(3000);
  await expect(room.require()).rejects.toMatchObject(refused);
  expect(said).toHaveLength(2);
  free = 60_000;
  await clock.advance(120_000);
  await room.require();
  expect(said).toHaveLength(2);
});
