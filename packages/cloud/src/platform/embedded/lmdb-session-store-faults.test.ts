import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Message, SessionChange, StoredState } from '@ioto/mqtt';
import { type Logger, silentLogger } from '@ioto/runtime';
import { Program } from '@ioto/testkit/programs/program';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LmdbSessionStore } from './lmdb-session-store.ts';
import { deliveryKey, factsKey, META_KEY, retainedKey, STAGE, subscriptionKey } from './session-keys.ts';

let directory: TempDirectory;
let path: string;
let logged: { record?: string; problem?: string }[];
let store: LmdbSessionStore;
beforeEach(async () => {
  directory = await TempDirectory.create();
  path = directory.at('sessions');
  logged = [];
  const logger: Logger = {
    ...silentLogger,
    error: (facts: object | string) => void logged.push(Object(facts)),
  };
  store = new LmdbSessionStore({ directory: path, logger });
});
afterEach(async () => {
  await store.stop();
  await directory[Symbol.asyncDispose]();
});

function message(text: string, topic = 't'): Message {
  return { topic, payload: Buffer.from(text), qos: 1, retain: false };
}

function queued(clientId: string, sequence: number, text: string): SessionChange {
  const facts = { sequence, qos: 1, retain: false, queuedAt: 0, packetId: 0, released: false } as const;
  return { type: 'queued', clientId, delivery: { ...facts, message: message(text) } };
}

const session = (clientId: string): SessionChange => ({ type: 'session', clientId, expiry: 1000 });

function subscribed(clientId: string, filter: string): SessionChange {
  const options = { qos: 1, noLocal: false, retainAsPublished: false } as const;
  return { type: 'subscribed', clientId, subscription: { filter, topicFilter: filter, ...options } };
}

const texts = ({ sessions }: StoredState) =>
  sessions.map(({ clientId, deliveries }) => [
    clientId,
    ...deliveries.map((each) => each.message.payload.toString()),
  ]);

/** Two sessions, numbers 1 and 2, and two retained messages. */
async function fill(): Promise<void> {
  await store.start();
  await store.load();
  await store.commit([
    ...[session('d1'), subscribed('d1', 'a'), queued('d1', 1, 'one'), queued('d1', 2, 'two')],
    ...[session('d2'), subscribed('d2', 'a'), queued('d2', 1, 'three')],
    { type: 'retained', message: message('kept', 'r1') },
    { type: 'retained', message: message('kept too', 'r2') },
  ]);
  await store.stop();
}

/** Puts a record over one of the program's. */
async function spoil(key: Buffer, value: Buffer): Promise<void> {
  const database = open<Buffer, Buffer>({ path, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' });
  await database.put(key, value);
  await database.close();
}

/** The version, and a second byte that says of each kind of record that there is more. */
const TORN = Buffer.from([1, 2]);

describe('a record that cannot be read', () => {
  it.each([
    [
      'of a message costs that message',
      deliveryKey(1, 1, STAGE.queued),
      [
        ['d1', 'two'],
        ['d2', 'three'],
      ],
      2,
      'message 1',
    ],
    [
      'of its progress costs that message',
      deliveryKey(1, 2, STAGE.progress),
      [
        ['d1', 'one'],
        ['d2', 'three'],
      ],
      2,
      'message 2',
    ],
    [
      'of a subscription costs the session, so that its client subscribes again',
      subscriptionKey(1, 'a'),
      [['d2', 'three']],
      2,
      'session 1 (client d1)',
    ],
    ['of a session costs the session', factsKey(2), [['d1', 'one', 'two']], 2, 'session 2'],
    [
      'of a retained message costs that message',
      retainedKey('r1'),
      [
        ['d1', 'one', 'two'],
        ['d2', 'three'],
      ],
      1,
      'retained message',
    ],
  ])('%s, and the log says which', async (_, key, left, retained, name) => {
    await fill();
    await spoil(key, TORN);
    await store.start();
    const state = await store.load();
    expect(texts(state)).toEqual(left);
    expect(state.retained).toHaveLength(retained);
    expect(logged[0]?.record).toContain(name);
    expect(logged[0]?.record).toContain(path);
    // What was lost is gone, not found again at every start.
    logged.length = 0;
    await store.stop();
    await store.start();
    expect(texts(await store.load())).toEqual(left);
    expect(logged).toEqual([]);
  });

  it('leaves a store that goes on: the lost session can be made again', async () => {
    await fill();
    await spoil(factsKey(1), TORN);
    await store.start();
    await store.load();
    await store.commit([session('d1'), queued('d1', 1, 'new')]);
    await store.stop();
    await store.start();
    expect(texts(await store.load())).toContainEqual(['d1', 'new']);
  });
});

describe('a store that this program cannot answer for is refused', () => {
  it.each([
    ['a later version of the whole', META_KEY, 'SESSIONS_NEWER'],
    ['a record of a later version', factsKey(1), 'SESSIONS_NEWER'],
  ])('%s', async (_, key, code) => {
    await fill();
    await spoil(key, Buffer.from([2]));
    const started = store.start().then(() => store.load());
    await expect(started).rejects.toMatchObject({ code, message: expect.stringContaining(path) });
  });

  it('records without a version, such as another program’s', async () => {
    await mkdir(path);
    await spoil(Buffer.from('x'), Buffer.from('y'));
    await expect(store.start()).rejects.toMatchObject({
      code: 'SESSIONS_UNREADABLE',
      message: expect.stringContaining(path),
    });
  });

  it('a file that is no database', async () => {
    await mkdir(path);
    await writeFile(directory.at('sessions', 'data.mdb'), 'x'.repeat(20_000));
    await expect(store.start()).rejects.toMatchObject({ code: 'SESSIONS_UNREADABLE' });
    // It is not left half open.
    await rm(path, { recursive: true });
    await store.start();
    expect(await store.load()).toEqual({ sessions: [], retained: [] });
  });
});

describe('a full disk', () => {
  it('fails the commit whole, and the same changes come again with more when there is room', async ({
    skip,
  }) => {
    await mkdir(path);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', path], { stdio: 'ignore' });
    } catch {
      skip('needs the right to mount a tmpfs (run as root)');
    }
    try {
      await store.start();
      await store.load();
      await store.commit([session('d1'), queued('d1', 1, 'before')]);
      const large = Array.from({ length: 40 }, (_, index) =>
        queued('d1', index + 2, `${index}`.repeat(20_000)),
      );
      for (let round = 0; round < 3; round += 1)
        await expect(store.commit(large)).rejects.toMatchObject({
          code: 'SESSIONS_UNWRITABLE',
          retryable: true,
        });
      execFileSync('mount', ['-o', 'remount,size=16m', path]);
      await store.commit([...large, { type: 'settled', clientId: 'd1', sequence: 2 }]);
      await store.stop();
      await store.start();
      const [d1] = (await store.load()).sessions;
      const left = [1, ...Array.from({ length: 39 }, (_, index) => index + 3)];
      expect(d1?.deliveries.map(({ sequence }) => sequence)).toEqual(left);
    } finally {
      await store.stop();
      execFileSync('umount', ['-l', path]);
    }
  });
});

describe('kill -9 in the middle of a flood', () => {
  it('loses nothing that was said to be durable, and leaves no commit half made', async () => {
    const script = fileURLToPath(new URL('./session-flood.fixture.ts', import.meta.url));
    const nodeOptions = ['--conditions=source', '--import', 'tsx'];
    for (const lines of [1, 40, 150]) {
      await rm(path, { recursive: true, force: true });
      await using flood = Program.spawnScript(script, [path], { nodeOptions });
      await flood.waitFor(new RegExp(`(\\d+\\n){${lines}}`));
      await flood.kill('SIGKILL');
      const durable = Number(flood.stdout.trim().split('\n').at(-1));
      await store.start();
      const { sessions } = await store.load();
      const [d1, d2] = ['d1', 'd2'].map((id) =>
        sessions.find(({ clientId }) => clientId === id)?.deliveries.map(({ sequence }) => sequence),
      );
      const last = d1?.length ?? 0;
      expect(last, flood.said).toBeGreaterThanOrEqual(durable);
      expect(d1).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      expect(d2).toEqual(d1?.slice(Math.floor(last / 2)));
      expect(logged).toEqual([]);
      await store.stop();
    }
  });
});
