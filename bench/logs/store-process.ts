import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { nodeFiles } from '@ioto/database';
import { silentLogger, systemClock } from '@ioto/runtime';
import { compilePattern } from '../../packages/cloud/src/cloudwatch-logs/filter-pattern/compile.ts';
import { LmdbItemStore } from '../../packages/cloud/src/platform/embedded/lmdb-item-store.ts';
import { EmbeddedLogStore } from '../../packages/cloud/src/platform/embedded/log-store/log-store.ts';
import type { LogPosition } from '../../packages/cloud/src/ports/log-store.ts';
import { memoryOf } from '../life/process-memory.ts';
import { percentile } from '../report.ts';
import { COMMON, lineOf, RARE } from './lines.ts';

/** What one process measures that has nothing but the log store. */
export interface StoreFigures {
  putRate: number;
  /** Bytes on disk for each byte of a line. */
  packed: number;
  rss: number;
  searches: Record<keyof typeof QUESTIONS, Search>;
}

export interface Search {
  /** Milliseconds to the first page, and to the last. */
  first: number;
  all: number;
  events: number;
}

const QUESTIONS = { rare: RARE, common: COMMON, json: '{ $.x = 1 }', absent: 'phlogiston' };

const ACCOUNT = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const BATCH = 4000;
const STREAMS = 8;
const ROUNDS = 9;
/** A question whose answer is everything is asked for its first pages only. */
const MOST_PAGES = 20;

const [directory = '', count = '0', file = ''] = process.argv.slice(2);
const lines = Number(count);
const items = new LmdbItemStore({ directory: join(directory, 'items'), logger: silentLogger });
await items.start();
const store = new EmbeddedLogStore({
  ...{
    directory: join(directory, 'logs'),
    files: nodeFiles,
    store: items,
    clock: systemClock,
    logger: silentLogger,
  },
});
await store.start();
await store.createGroup(ACCOUNT, 'ioto');
for (let i = 0; i < STREAMS; i += 1) await store.createStream(ACCOUNT, 'ioto', `lamp-${i}`);

const raw = createWriteStream(file);
const putRate = await put();
await new Promise((resolve) => raw.end(resolve));
const { rss } = memoryOf(process.pid);
const searches = {} as StoreFigures['searches'];
for (const [name, pattern] of Object.entries(QUESTIONS)) {
  const measured: Search[] = [];
  for (let round = 0; round < ROUNDS; round += 1) measured.push(await search(pattern));
  const of = (field: keyof Search) =>
    percentile(
      measured.map((each) => each[field]),
      0.5,
    );
  searches[name as keyof typeof QUESTIONS] = { first: of('first'), all: of('all'), events: of('events') };
}
await store.stop();
const group = await store.group(ACCOUNT, 'ioto');
const bytes = raw.bytesWritten;
process.send?.({ putRate, packed: group.storedBytes / bytes, rss, searches } satisfies StoreFigures);
await items.stop();
process.exit(0);

/** Lines a second, each batch durable before the next one of its stream; making the lines is not counted. */
async function put(): Promise<number> {
  const began = Date.now() - 3_600_000;
  let took = 0;
  for (let at = 0; at < lines; at += BATCH * STREAMS) {
    const batches = Array.from({ length: STREAMS }, (_, stream) =>
      Array.from({ length: Math.max(0, Math.min(BATCH, lines - at - stream * BATCH)) }, (_, i) => {
        const number = at + stream * BATCH + i;
        return { timestamp: began + Math.floor(number / 4), message: lineOf(number) };
      }),
    ).filter((batch) => batch.length > 0);
    for (const batch of batches) raw.write(`${batch.map(({ message }) => message).join('\n')}\n`);
    const started = performance.now();
    await Promise.all(batches.map((batch, stream) => store.put(ACCOUNT, 'ioto', `lamp-${stream}`, batch)));
    took += performance.now() - started;
  }
  return (lines / took) * 1000;
}

async function search(pattern: string): Promise<Search> {
  const started = performance.now();
  let first = 0;
  let events = 0;
  let after: LogPosition | undefined;
  for (let pages = 0; pages < MOST_PAGES || events === 0; pages += 1) {
    const page = await store.read(ACCOUNT, 'ioto', {
      ...{ from: 0, to: Number.MAX_SAFE_INTEGER, matcher: compilePattern(pattern), after },
      ...{ limit: 10_000, bytes: 1_048_576, budget: 250 },
    });
    events += page.events.length;
    if (pages === 0) first = performance.now() - started;
    after = page.next;
    if (!after) break;
  }
  return { first, all: performance.now() - started, events };
}
