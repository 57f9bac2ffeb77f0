import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkerReport } from './worker-messages.ts';
import { WorkerReports } from './worker-reports.ts';

let clock: VirtualClock;
let sent: WorkerReport[];
let reports: WorkerReports;

beforeEach(() => {
  clock = new VirtualClock();
  sent = [];
  reports = new WorkerReports(clock, (report) => sent.push(report));
});

describe('what a worker tells', () => {
  it('comes in one message, however many they were', async () => {
    for (let stranger = 0; stranger < 5000; stranger += 1) {
      reports.refused('TLS handshake failed');
      reports.logger.debug({ stranger }, 'TLS handshake failed');
    }
    reports.refused('slow ClientHello');
    expect(sent).toEqual([]);
    await clock.advance(1000);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.refused).toEqual({ 'TLS handshake failed': 5000, 'slow ClientHello': 1 });
    expect(sent[0]?.lines).toHaveLength(101);
    expect(sent[0]?.lines.at(-1)).toMatchObject({ level: 'warn', facts: { count: 4900 } });
    reports.refused('slow ClientHello');
    await clock.advance(1000);
    expect(sent[1]).toEqual({ refused: { 'slow ClientHello': 1 }, lines: [], connections: 0 });
  });

  it('is told at once when it ends, and nothing where there is nothing', async () => {
    reports.flush();
    reports.logger.child({ door: 'mqtt' }).info({ address: '192.0.2.7' }, 'client certificate refused');
    reports.flush();
    await clock.advance(1000);
    const facts = { door: 'mqtt', address: '192.0.2.7' };
    expect(sent).toEqual([
      {
        refused: {},
        connections: 0,
        lines: [{ level: 'info', facts, message: 'client certificate refused' }],
      },
    ]);
  });

  it('says how many connections it has, when that has changed', async () => {
    for (let count = 1; count <= 50; count += 1) reports.connections(count);
    await clock.advance(1000);
    reports.connections(49);
    reports.connections(50);
    await clock.advance(1000);
    expect(sent).toEqual([{ refused: {}, lines: [], connections: 50 }]);
  });
});
