import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { silentLogger } from './log.ts';
import { Recurring } from './recurring.ts';

describe('something that is done again and again', () => {
  it('comes so long after the start, and after the end of each turn, also of one that failed', async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    const begun = clock.now();
    const turn = async () => {
      at.push(clock.now() - begun);
      if (at.length === 2) throw new Error('not now');
    };
    const failure = 'a turn failed';
    const recurring = new Recurring({ name: 'r', every: 1000, clock, logger: silentLogger, failure, turn });
    await recurring.start();
    for (let n = 0; n < 3; n += 1) await clock.advance(1000);
    expect(at).toEqual([1000, 2000, 3000]);
    await recurring.stop();
    await clock.advance(5000);
    expect(at).toHaveLength(3);
  });

  it('is told to end, and waited for, when it is stopped', async () => {
    const clock = new VirtualClock();
    let finish: () => void = () => undefined;
    const said: boolean[] = [];
    const turn = async (isStopping: () => boolean) => {
      said.push(isStopping());
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      said.push(isStopping());
    };
    const options = { name: 'r', every: 10, clock, logger: silentLogger, failure: 'f', turn };
    const recurring = new Recurring(options);
    await recurring.start();
    await clock.advance(10);
    let stopped = false;
    const stopping = recurring.stop().then(() => {
      stopped = true;
    });
    await clock.advance(100);
    expect([stopped, said]).toEqual([false, [false]]);
    finish();
    await stopping;
    expect(said).toEqual([false, true]);
  });
});
