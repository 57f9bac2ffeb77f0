import { writeSync } from 'node:fs';
import type { SessionChange } from '@ioto/mqtt';
import { silentLogger } from '@ioto/runtime';
import { LmdbSessionStore } from './lmdb-session-store.ts';

/**
 * A program that queues messages to two sessions until it is killed, each commit some more, and says on standard output
 * which sequence the latest durable one has. Argument: the directory of the store.
 */
const [, , directory = ''] = process.argv;
const clients = ['d1', 'd2'];
const store = new LmdbSessionStore({ directory, logger: silentLogger });
await store.start();
await store.load();
await store.commit(
  clients.map((clientId) => ({ type: 'session', clientId, expiry: Number.POSITIVE_INFINITY })),
);
for (let sequence = 0; ; ) {
  const changes: SessionChange[] = [];
  for (let count = 1 + (sequence % 7); count > 0; count -= 1) {
    sequence += 1;
    const text = `${sequence} `.repeat(sequence % 3 === 0 ? 300 : 1);
    const message = { topic: 'flood', payload: Buffer.from(text), qos: 1, retain: false } as const;
    const delivery = {
      sequence,
      message,
      qos: 1,
      retain: false,
      queuedAt: 0,
      packetId: 0,
      released: false,
    } as const;
    for (const clientId of clients) changes.push({ type: 'queued', clientId, delivery });
    // Half of them go again at once or a little later, as acknowledged ones do.
    if (sequence % 2 === 0) changes.push({ type: 'settled', clientId: 'd2', sequence: sequence / 2 });
  }
  await store.commit(changes);
  writeSync(1, `${sequence}\n`);
}
