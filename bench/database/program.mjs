import { readFileSync } from 'node:fs';
import { compileSchema, Database } from '@ioto/database';
import { silentLogger, systemClock } from '@ioto/runtime';

// The least that a program with an open database is: nothing runs beside the built packages, no TypeScript above all.
const definition = readFileSync(new URL('reading-schema.json', import.meta.url), 'utf8');
const started = performance.now();
const database = await Database.open({
  directory: process.argv[2],
  schema: compileSchema(JSON.parse(definition)),
  clock: systemClock,
  logger: silentLogger,
});
const milliseconds = performance.now() - started;
const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
process.send({ milliseconds, items: database.stats.items, rss: Number(resident?.[1]) / 1024 });
await database.close();
process.disconnect();
