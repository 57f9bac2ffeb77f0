import { stat } from 'node:fs/promises';
import {
  MemorySessionStore,
  type Message,
  type SessionChange,
  type StoredDelivery,
  type StoredState,
} from '@ioto/mqtt';
import { type Logger, silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import fc from 'fast-check';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LmdbSessionStore } from './lmdb-session-store.ts';
import { SHARED_FROM } from './session-commit.ts';
import { META_KEY } from './session-keys.ts';
import { arbitraryChanges, normal } from './stored-changes.fixture.ts';

let directory: TempDirectory;
let logged: object[];
beforeEach(async () => {
  directory = await TempDirectory.create();
  logged = [];
});
afterEach(() => directory[Symbol.asyncDispose]());

const logger: Logger = {
  ...silentLogger,
  error: (facts: object | string) => void logged.push(Object(facts)),
};

async function openStore(path = directory.at('sessions')): Promise<LmdbSessionStore & AsyncDisposable> {
  const store = new LmdbSessionStore({ directory: path, logger });
  await store.start();
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.stop() });
}

/** What is stored, after it was closed and opened again. */
async function reopened(store: LmdbSessionStore): Promise<StoredState> {
  await store.stop();
  await store.start();
  return store.load();
}

/** Every record but the version. */
async function records(): Promise<{ key: Buffer; value: Buffer }[]> {
  const database = open<Buffer, Buffer>({
    path: directory.at('sessions'),
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
  });
  const all = [...database.getRange({})].map(({ key, value }) => ({ key, value }));
  await database.close();
  return all.filter(({ key }) => !key.equals(META_KEY));
}

function message(text: string, more: Partial<Message> = {}): Message {
  return { topic: 't', payload: Buffer.from(text), qos: 1, retain: false, ...more };
}

function delivery(sequence: number, of: Message = message(`m${sequence}`)): StoredDelivery {
  const { qos } = of;
  return { sequence, message: of, qos, retain: false, queuedAt: 5, packetId: 0, released: false };
}

const session = (clientId: string, more = {}): SessionChange => ({
  type: 'session',
  clientId,
  expiry: 1000,
  ...more,
});
const queued = (clientId: string, of: StoredDelivery): SessionChange => ({
  type: 'queued',
  clientId,
  delivery: of,
});
const subscribed = (clientId: string, filter: string): SessionChange => ({
  type: 'subscribed',
  clientId,
  subscription: { filter, topicFilter: filter, qos: 1, noLocal: false, retainAsPublished: false },
});
const texts = ({ sessions }: StoredState) =>
  sessions.map(({ deliveries }) => deliveries.map((each) => each.message.payload.toString()));

describe('the session store on LMDB', () => {
  it('holds what the one in memory holds, whatever changes come in whatever commits, also when it is opened again', async () => {
    let run = 0;
    const cuts = fc.array(fc.constantFrom('go on', 'commit', 'reopen'), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(arbitraryChanges(), cuts, async (changes, cut) => {
        await using store = await openStore(directory.at(`run-${++run}`));
        const memory = new MemorySessionStore();
        let batch: SessionChange[] = [];
        const commit = async () => {
          await store.commit(batch);
          await memory.commit(batch);
          batch = [];
        };
        for (const [index, change] of changes.entries()) {
          batch.push(change);
          const then = cut[index % cut.length];
          if (then !== 'go on') await commit();
          if (then === 'reopen') expect(normal(await reopened(store))).toEqual(normal(await memory.load()));
        }
        await commit();
        expect(normal(await reopened(store))).toEqual(normal(await memory.load()));
        expect(logged).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('writes nothing for what cancels out within a commit', async () => {
    await using store = await openStore();
    await store.commit([session('d1')]);
    const flood = Array.from({ length: 100 }, (_, index): SessionChange[] => [
      queued('d1', delivery(index + 1)),
      { type: 'sent', clientId: 'd1', sequence: index + 1, packetId: index + 1 },
      { type: 'settled', clientId: 'd1', sequence: index + 1 },
    ]);
    const before = await stat(directory.at('sessions', 'data.mdb'));
    await store.commit(flood.flat());
    await store.commit([session('d2'), queued('d2', delivery(1)), { type: 'sessionEnded', clientId: 'd2' }]);
    const after = await stat(directory.at('sessions', 'data.mdb'));
    expect(after.mtimeMs).toBe(before.mtimeMs);
    await store.stop();
    expect(await records()).toHaveLength(1);
  });

  it('stores a large message for many sessions once, until the last of them has it', async () => {
    await using store = await openStore();
    const ids = Array.from({ length: 50 }, (_, index) => `d${index}`);
    const large = message('x'.repeat(SHARED_FROM));
    await store.commit([...ids.map((id) => session(id)), ...ids.map((id) => queued(id, delivery(1, large)))]);
    const { sessions } = await reopened(store);
    expect(sessions).toHaveLength(50);
    expect(sessions.every(({ deliveries }) => deliveries[0]?.message.payload.equals(large.payload))).toBe(
      true,
    );
    await store.stop();
    const stored = (await records()).filter(({ value }) => value.length > SHARED_FROM);
    expect(stored).toHaveLength(1);
    await store.start();
    await store.load();
    const settled = ids
      .slice(1)
      .map((clientId): SessionChange => ({ type: 'settled', clientId, sequence: 1 }));
    await store.commit(settled);
    expect(texts(await reopened(store)).flat()).toHaveLength(1);
    await store.commit([{ type: 'sessionEnded', clientId: 'd0' }]);
    await store.stop();
    expect((await records()).filter(({ value }) => value.length > SHARED_FROM)).toEqual([]);
  });

  it('leaves nothing of a session that has ended', async () => {
    await using store = await openStore();
    await store.commit([session('d1'), subscribed('d1', 'a'), queued('d1', delivery(1))]);
    await store.commit([
      { type: 'sent', clientId: 'd1', sequence: 1, packetId: 1 },
      { type: 'received', clientId: 'd1', packetId: 7 },
    ]);
    await store.commit([{ type: 'sessionEnded', clientId: 'd1' }]);
    await store.stop();
    expect(await records()).toEqual([]);
  });

  it('is readable by its owner alone', async () => {
    await using store = await openStore();
    await store.commit([session('d1')]);
    for (const file of ['data.mdb', 'lock.mdb'])
      expect((await stat(directory.at('sessions', file))).mode & 0o777).toBe(0o600);
  });
});
