import { MemorySessionStore, type SessionChange, type StoredState } from '@ioto/mqtt';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planCommit } from './session-commit.ts';
import { SessionIndex } from './session-index.ts';
import { parseKey } from './session-keys.ts';
import { SessionLoader } from './session-loader.ts';
import { arbitraryChanges, normal } from './stored-changes.fixture.ts';

/** Records by their keys, and the index of a program that writes them. */
class Disk {
  readonly #records = new Map<string, Buffer>();
  #index = new SessionIndex();
  #doubtful = false;

  commit(
    changes: readonly SessionChange[],
    outcome: 'done' | 'not done' | 'done, but reported as failed',
  ): void {
    const { writes, ended, settle } = planCommit(changes, this.#index, { doubtful: this.#doubtful });
    this.#doubtful = outcome !== 'done';
    if (outcome === 'not done') return;
    for (const key of this.#records.keys()) {
      const parsed = parseKey(Buffer.from(key, 'hex'));
      if (parsed?.of === 'session' && ended.includes(parsed.session)) this.#records.delete(key);
    }
    for (const { key, value } of writes) {
      if (value) this.#records.set(key.toString('hex'), Buffer.from(value));
      else this.#records.delete(key.toString('hex'));
    }
    if (outcome === 'done') settle();
  }

  /** What a program that starts finds. */
  load(): { state: StoredState; loader: SessionLoader } {
    const loader = new SessionLoader('the disk');
    const order = ['02', '01', '03'];
    const keys = [...this.#records.keys()].sort();
    for (const space of order)
      for (const key of keys.filter((each) => each.startsWith(space)))
        loader.take(Buffer.from(key, 'hex'), this.#records.get(key) as Buffer);
    return { state: loader.finish(), loader };
  }

  restart(): void {
    this.#index = this.load().loader.index;
    this.#doubtful = false;
  }
}

it('commits that fail, written or not, come again with more and leave exactly what the changes mean', async () => {
  const outcome = fc.constantFrom('go on', 'done', 'not done', 'done, but reported as failed', 'restart');
  await fc.assert(
    fc.asyncProperty(arbitraryChanges(), fc.array(outcome, { minLength: 1 }), async (changes, outcomes) => {
      const disk = new Disk();
      const memory = new MemorySessionStore();
      let batch: SessionChange[] = [];
      for (const [index, change] of changes.entries()) {
        batch.push(change);
        const next = outcomes[index % outcomes.length] as 'go on' | 'restart' | Parameters<Disk['commit']>[1];
        if (next === 'go on') continue;
        disk.commit(batch, next === 'restart' ? 'done' : next);
        if (next !== 'done' && next !== 'restart') continue;
        await memory.commit(batch);
        batch = [];
        if (next === 'restart') disk.restart();
      }
      disk.commit(batch, 'done');
      await memory.commit(batch);
      const { state, loader } = disk.load();
      expect(normal(state)).toEqual(normal(await memory.load()));
      expect(loader.faults).toEqual([]);
      expect(loader.useless).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});
