import { Emitter, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import type { AgentEvents } from '../../agent-events.ts';
import { LossNotice } from './loss-notice.ts';

function makeNotice() {
  const clock = new VirtualClock();
  const events = new Emitter<AgentEvents>(() => undefined);
  const told: AgentEvents['sync:lost'][] = [];
  events.on('sync:lost', (facts) => told.push(facts));
  const lost: Record<string, number> = {};
  const notice = new LossNotice({ clock, logger: silentLogger, events, lost: () => lost });
  const lose = (model: string, reason: 'full' | 'expired' = 'full') => {
    lost[model] = (lost[model] ?? 0) + 1;
    notice.heard({ model, count: 1, reason });
  };
  return { clock, told, notice, lose };
}

describe('changes that are given up', () => {
  it('are told of at once, and then at most once a minute for each model and reason', async () => {
    const { clock, told, lose } = makeNotice();
    for (let at = 0; at < 1000; at += 1) lose('Log');
    lose('Log', 'expired');
    lose('Store');
    expect(told).toEqual([
      { model: 'Log', count: 1, reason: 'full', total: 1 },
      { model: 'Log', count: 1, reason: 'expired', total: 1001 },
      { model: 'Store', count: 1, reason: 'full', total: 1 },
    ]);
    await clock.advance(60_000);
    expect(told.slice(3)).toEqual([{ model: 'Log', count: 999, reason: 'full', total: 1001 }]);
    await clock.advance(120_000);
    lose('Log');
    expect(told.slice(4)).toEqual([{ model: 'Log', count: 1, reason: 'full', total: 1002 }]);
  });

  it('are told of at the end, when they were not before', () => {
    const { told, notice, lose } = makeNotice();
    for (let at = 0; at < 3; at += 1) lose('Log');
    notice.stop();
    expect(told.map(({ count }) => count)).toEqual([1, 2]);
  });
});
