import { describe, expect, it } from 'vitest';
import { World } from '../../test/world.ts';
import { renderFigures } from './agent-figures.ts';

describe('the figures of an agent', () => {
  it('tell what the database holds and what its writes cost the flash', async () => {
    await using world = await World.create();
    const agent = world.agent({ settings: { web: { listen: 'http://127.0.0.1:0' } } });
    const listening = agent.next('web:listening');
    await agent.start();
    for (const key of ['a', 'b', 'c']) await agent.store.set(key, key);
    const { addresses } = await listening;
    const text = await (await fetch(new URL('/metrics', addresses[0]))).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    const { stats } = agent.db;
    expect(value('ioto_db_items')).toBe(stats.items);
    expect(value('ioto_db_outbox')).toBe(3);
    expect(value('ioto_db_changes_total')).toBe(stats.changes);
    expect(value('ioto_db_written_bytes_total')).toBe(stats.writtenBytes);
    expect(value('ioto_db_bytes_per_change')).toBeCloseTo(stats.writtenBytes / stats.changes);
    expect(value('ioto_db_commits_total')).toBe(stats.commits);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value('ioto_uptime_seconds')).toBeGreaterThan(0);
    expect(text).not.toContain(agent.id);
  });

  it('are those of the process alone without a database', () => {
    expect(renderFigures({ residentMemory: 5, uptime: 7 })).toBe(
      '# HELP process_resident_memory_bytes Memory of the agent.\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 5\n' +
        '# HELP ioto_uptime_seconds Time since the agent was started.\n# TYPE ioto_uptime_seconds gauge\nioto_uptime_seconds 7\n',
    );
  });
});
