import { coreSchema } from '@ioto/protocol';
import { silentLogger, systemClock } from '@ioto/runtime';
import { Database } from './database.ts';
import { compileSchema } from './schema/compile.ts';

/**
 * Writes until it is killed, and prints each counter once its write is acknowledged: `KEY COUNT` a line. Arguments:
 * directory, first count.
 */
const [directory = '', first = '0'] = process.argv.slice(2);
const database = await Database.open({
  directory,
  schema: compileSchema(coreSchema),
  context: { accountId: 'A', deviceId: 'D' },
  clock: systemClock,
  logger: silentLogger,
  maxJournalSize: 20_000,
});

async function writer(key: string): Promise<void> {
  for (let count = Number(first); ; count += 1) {
    await database.upsert('Store', { key, value: count });
    // Told before the next: where the pipe is full, what waits in this process would be lost with it.
    await new Promise((told) => process.stdout.write(`${key} ${count}\n`, told));
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(writer));
