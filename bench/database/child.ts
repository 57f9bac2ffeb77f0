import { memoryOf } from '../life/process-memory.ts';
import type { Subject } from './subject.ts';
import { run } from './workload.ts';

/** Each is imported only in the process that measures it, so that no other takes memory there. */
const SUBJECTS: Record<string, () => Promise<Subject>> = {
  ioto: async () => (await import('./subjects/ioto.ts')).ioto,
  lmdb: async () => (await import('./subjects/lmdb.ts')).lmdb,
  libsql: async () => (await import('./subjects/libsql.ts')).libsql,
  nedb: async () => (await import('./subjects/nedb.ts')).nedb,
  rxdb: async () => (await import('./subjects/rxdb.ts')).rxdb,
};

const [task, name = '', directory = ''] = process.argv.slice(2);
const load = SUBJECTS[name];
if (!load) throw new Error(`no database is named ${name}`);
const subject = await load();
if (task === 'run') report(await run(subject, directory));
else report(await open(subject, directory));
process.exit(0);

async function open(of: Subject, where: string) {
  const before = memoryOf(process.pid).rss;
  const started = performance.now();
  const store = await of.open(where);
  await store.get('00000001');
  const milliseconds = performance.now() - started;
  const { rss } = memoryOf(process.pid);
  await store.close();
  return { milliseconds, grown: rss - before };
}

function report(result: object): void {
  if (process.send) process.send(result);
  else process.stdout.write(`${JSON.stringify(result)}\n`);
}
