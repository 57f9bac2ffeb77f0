import { describe, expect, it } from 'vitest';
import type { AdminClient } from './admin-client.ts';
import { metricCommands } from './metric-commands.ts';

const at = '2026-01-01T00:00:01.000Z';

describe('ioto-cloud metric show, of a series without a sample', () => {
  const show = metricCommands.find(({ usage }) => usage.startsWith('show'));
  const explain = (series: object[], { points = [] as object[], dimensions = {} } = {}) => {
    const client = { post: async () => ({ items: series }) } as unknown as AdminClient;
    return show?.explain?.(client, { accountId: 'A1', metric: 'rpm' }, { points, dimensions });
  };

  it('says which series there are, as options to be typed', async () => {
    const series = [
      { metric: 'rpm', dimensions: { Room: "ann's hall", Device: 'D1' }, value: 1200, updated: at },
      { metric: 'rpm', dimensions: {}, value: 7, updated: at },
    ];
    expect(await explain(series, { dimensions: { Device: 'D2' } })).toEqual([
      'rpm has no series with --dimension Device=D2; it has these:',
      `  --dimension Device=D1 --dimension 'Room=ann'\\''s hall': 1200, ${at}`,
      `  no dimension: 7, ${at}`,
    ]);
    expect((await explain(series.slice(0, 1)))?.[0]).toBe(
      'rpm has no series without a dimension; it has these:',
    );
  });

  it('says when the latest sample was, or that nobody measures it', async () => {
    const series = [{ metric: 'rpm', dimensions: {}, value: 7, updated: at }];
    expect((await explain(series))?.[0]).toBe(
      `no sample in that time; the latest is 7, of ${at}: name a longer --period`,
    );
    expect((await explain([]))?.[0]).toMatch(/^no device of this account has measured rpm/);
  });

  it('says nothing more where there are samples', async () => {
    expect(await explain([], { points: [{ timestamp: 0, value: 7, count: 1 }] })).toEqual([]);
  });
});
