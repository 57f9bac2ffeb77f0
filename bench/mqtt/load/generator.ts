import { once } from 'node:events';
import type { Target } from './client.ts';
import { drain } from './drain.ts';
import { handshakes, idleConnections } from './handshakes.ts';
import { retainedSubscribe } from './retained.ts';
import { roundTrip } from './round-trip.ts';
import { throughput } from './throughput.ts';

/** What the generator can be asked to do, by name; each takes what its first message says, and answers in one more. */
const TASKS = { throughput, handshakes, roundTrip, retainedSubscribe, drain, idle } as const;

export type Tasks = typeof TASKS;

/** Tells when all connections are there, and keeps them until it is told that they were looked at. */
async function idle(target: Target, { connections }: { connections: number }): Promise<object> {
  await idleConnections(target, connections, async () => {
    process.send?.({ open: connections });
    await once(process, 'message');
  });
  return {};
}

process.once(
  'message',
  async ({ name, target, task }: { name: keyof Tasks; target: Target; task: never }) => {
    const result = await TASKS[name](target, task);
    process.send?.({ result }, () => process.exit(0));
  },
);
process.send?.({ ready: true });
