import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { ShadowError, type ShadowUpdate } from '@ioto/protocol';
import { Emitter, silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentEvents } from '../../agent-events.ts';
import type { ShadowDelta } from '../../service-apis.ts';
import { ShadowService } from './service.ts';
import { ShadowCloud } from './shadow-cloud.fixture.ts';

let directory: TempDirectory;
let clock: VirtualClock;
let cloud: ShadowCloud;
let service: ShadowService;
const warnings: string[] = [];
const events: unknown[] = [];
let emitter: Emitter<AgentEvents>;

beforeEach(async () => {
  directory = await TempDirectory.create();
  clock = new VirtualClock();
  cloud = new ShadowCloud((topic, payload) => service.receive(topic, payload));
  warnings.length = 0;
  events.length = 0;
  await start();
});
afterEach(async () => {
  await service.stop();
  await directory[Symbol.asyncDispose]();
});

const file = () => directory.at('db/shadow.json5');

async function start(): Promise<void> {
  emitter = new Emitter<AgentEvents>(() => undefined);
  emitter.on('shadow:delta', (delta) => void events.push(delta));
  service = new ShadowService({
    ...{ id: 'D1', path: file(), save: 5000, clock, events: emitter, random: () => 0.5 },
    logger: { ...silentLogger, warn: (_facts, text) => void warnings.push(String(text)) },
  });
  await service.start();
}

/** The device is off for a while. */
async function restart(): Promise<void> {
  await service.stop();
  await start();
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function connect(accountId = 'A1'): Promise<void> {
  service.prepare({ id: 'D1', accountId });
  service.connected(cloud.publish);
  await turn();
}

const desire = (desired: object, name?: string) =>
  cloud.update('D1', { state: { desired } } as ShadowUpdate, name);
const reported = (name?: string) => cloud.shadows.get(name)?.state.reported;

describe('a device that reports', () => {
  it('holds it at once, and the cloud has it as soon as there is a connection', async () => {
    void service.shadow.set('lamp.colour', 'red');
    void service.shadow.set({ lamp: { on: true } });
    expect(service.shadow.get()).toEqual({ lamp: { colour: 'red', on: true } });
    expect(service.shadow.get('lamp.colour')).toBe('red');
    expect(service.shadow.get('lamp.colour.x')).toBeUndefined();
    await connect();
    expect(reported()).toEqual({ lamp: { colour: 'red', on: true } });
    await service.shadow.set('lamp.on', null as never);
    expect(reported()).toEqual({ lamp: { colour: 'red' } });
    expect(cloud.requests.map(({ verb }) => verb)).toEqual(['get', 'update', 'update']);
  });

  it('is told that it is kept, by the disk or by the cloud', async () => {
    const kept: string[] = [];
    void service.shadow.set('a', 1).then(() => kept.push('a'));
    await clock.advance(4999);
    expect(kept).toEqual([]);
    await clock.advance(1);
    await expect.poll(() => kept).toEqual(['a']);
    expect(JSON.parse(await readFile(file(), 'utf8')).shadows[0].reported).toEqual({ a: 1 });
    await connect();
    await service.shadow.set('a', 2);
    expect(reported()).toEqual({ a: 2 });
  });

  it('sends what it reports while an update is on its way with the next, all in one', async () => {
    await connect();
    for (const a of [1, 2, 3]) void service.shadow.set({ a, [`b${a}`]: a });
    await turn();
    expect(cloud.requests.slice(1).map(({ body }) => body.state)).toEqual([
      { reported: { a: 1, b1: 1 } },
      { reported: { a: 3, b2: 2, b3: 3 } },
    ]);
    expect(reported()).toEqual({ a: 3, b1: 1, b2: 2, b3: 3 });
  });

  it('replaces an object by what came after it, whatever the cloud has there', async () => {
    await connect();
    await service.shadow.set('a', { x: 1 });
    service.disconnected();
    void service.shadow.set('a', 5);
    void service.shadow.set('a', { y: 1 });
    await connect();
    expect(reported()).toEqual({ a: { y: 1 } });
  });

  it.each<[string, () => unknown, object]>([
    [
      'a value that is too large',
      () => service.shadow.set('a', 'x'.repeat(9000)),
      { code: 'SHADOW_TOO_LARGE' },
    ],
    ['null in an array', () => service.shadow.set('a', [null]), { code: 'SHADOW_INVALID' }],
    ['no value', () => service.shadow.set('a', undefined as never), { code: 'SHADOW_INVALID' }],
    ['an empty path', async () => service.shadow.set('a..b', 1), { code: 'SHADOW_PATH' }],
    ['a name that no shadow can have', async () => service.shadow.named('a b'), { code: 'SHADOW_NAME' }],
  ])('is refused %s, and holds what it had', async (_what, report, error) => {
    void service.shadow.set('b', 1);
    await expect(Promise.resolve().then(report)).rejects.toMatchObject(error);
    expect(service.shadow.get()).toEqual({ b: 1 });
  });

  it('cannot fill its shadow little by little', async () => {
    void service.shadow.set('a', 'x'.repeat(5000));
    await expect(service.shadow.set('b', 'x'.repeat(5000))).rejects.toMatchObject({
      code: 'SHADOW_TOO_LARGE',
    });
  });
});

describe('a device whose cloud desires something', () => {
  it('is told so when it changes, and no more once it has reported it', async () => {
    await connect();
    const seen: ShadowDelta[] = [];
    const off = service.shadow.on('delta', (delta) => void seen.push(delta));
    desire({ on: true });
    expect(seen).toEqual([{ state: { on: true }, version: 1 }]);
    await service.shadow.set('on', true);
    desire({ on: true });
    expect(seen).toHaveLength(1);
    off();
    desire({ on: false });
    expect(seen).toHaveLength(1);
    expect(events).toEqual([
      { state: { on: true }, version: 1 },
      { state: { on: false }, version: 4 },
    ]);
  });

  it('is told at its start what was desired while it was off, also where it listens late', async () => {
    desire({ on: true });
    await connect();
    const seen: ShadowDelta[] = [];
    service.shadow.on('delta', (delta) => void seen.push(delta));
    await turn();
    expect(seen).toEqual([{ state: { on: true }, version: 1 }]);
  });

  it('is not told what the cloud has taken back', async () => {
    await connect();
    desire({ on: true, a: 1 });
    cloud.update('D1', { state: { desired: { on: null } } });
    cloud.update('D1', { state: { desired: null } });
    const seen: ShadowDelta[] = [];
    service.shadow.on('delta', (delta) => void seen.push(delta));
    await turn();
    expect(seen).toEqual([]);
  });

  it('ignores a difference that a later one has overtaken', async () => {
    await connect();
    desire({ a: 1 });
    desire({ a: 2 });
    const late = { state: { a: 1 }, version: 1 };
    service.receive('$aws/things/D1/shadow/update/delta', Buffer.from(JSON.stringify(late)));
    expect(events.at(-1)).toEqual({ state: { a: 2 }, version: 2 });
  });

  it('is told of named shadows by their names, also of one that it never asked for', async () => {
    await connect();
    desire({ a: 1 }, 'config');
    await turn();
    expect(events[0]).toEqual({ name: 'config', state: { a: 1 }, version: 1 });
    await service.shadow.named('config').set('a', 1);
    expect(reported('config')).toEqual({ a: 1 });
    expect(reported()).toBeUndefined();
  });
});

describe('a device that was off', () => {
  it('reports then what it changed meanwhile, and takes over what others reported', async () => {
    await connect();
    await service.shadow.set({ a: 1, b: 1 });
    service.disconnected();
    void service.shadow.set('a', 2);
    await restart();
    cloud.update('D1', { state: { reported: { b: 7, c: 7 } } });
    await connect();
    expect(service.shadow.get()).toEqual({ a: 2, b: 7, c: 7 });
    expect(reported()).toEqual({ a: 2, b: 7, c: 7 });
    expect(cloud.requests.at(-1)?.body.state).toEqual({ reported: { a: 2 } });
  });

  it.each(['removed', 'emptied'])('reports everything where the shadow was %s', async (how) => {
    await connect();
    await service.shadow.set('a', 1);
    await restart();
    if (how === 'removed') cloud.shadows.clear();
    else cloud.update('D1', { state: null });
    await connect();
    expect(reported()).toEqual({ a: 1 });
  });

  it('has what was set last and was in the cloud, also after a power cut', async () => {
    void service.shadow.set('a', 1);
    await clock.advance(5000);
    await expect.poll(() => readFile(file(), 'utf8')).toContain('"a": 1');
    await connect();
    await service.shadow.set('a', 2);
    const written = await readFile(file());
    await service.stop();
    await writeFile(file(), written);
    await start();
    await connect();
    await turn();
    expect(reported()).toEqual({ a: 2 });
    expect(service.shadow.get('a')).toBe(2);
  });

  it('asks for each of its shadows', async () => {
    void service.shadow.named('config').set('a', 1);
    await restart();
    await connect();
    expect(reported('config')).toEqual({ a: 1 });
  });

  it('begins with nothing where its file is damaged, and says so', async () => {
    await service.stop();
    await mkdir(directory.at('db'), { recursive: true });
    await writeFile(file(), '{"shadows":[{}]}');
    await start();
    expect(warnings).toEqual(['cannot read the shadows of this device; the cloud is asked for them']);
    expect(service.shadow.get()).toEqual({});
  });

  it('tells the next owner nothing of what it reported to the last', async () => {
    await connect();
    await service.shadow.set('a', 1);
    service.disconnected();
    cloud.shadows.clear();
    await connect('A2');
    expect(service.shadow.get()).toEqual({});
    expect(cloud.shadows.size).toBe(0);
  });

  it('keeps for its first owner what it reported before it had one', async () => {
    void service.shadow.set('a', 1);
    await restart();
    await connect();
    expect(reported()).toEqual({ a: 1 });
  });
});

describe('a request that the cloud does not carry out', () => {
  it.each([429, 500] as const)('is made again after a while: %s', async (code) => {
    await connect();
    cloud.refusals.push(new ShadowError(code, 'not now'));
    void service.shadow.set('a', 1);
    await turn();
    expect(reported()).toBeUndefined();
    await clock.advance(10_000);
    expect(reported()).toEqual({ a: 1 });
  });

  it('because it is wrong is told, and not made again for nothing', async () => {
    await connect();
    cloud.refusals.push(new ShadowError(413, 'The payload exceeds the maximum size allowed'));
    void service.shadow.set('a', 1);
    await clock.advance(60_000);
    expect(warnings).toEqual(['the cloud rejects a request about the shadow']);
    expect(cloud.requests).toHaveLength(2);
    await service.shadow.set('b', 1);
    expect(reported()).toEqual({ a: 1, b: 1 });
  });

  it('because it, or its answer, is lost begins anew', async () => {
    cloud.answers = false;
    void service.shadow.set('a', 1);
    await connect();
    cloud.answers = true;
    await clock.advance(10_000);
    expect(reported()).toEqual({ a: 1 });
  });
});

describe('a disk that refuses', () => {
  it('is told to who waits, and what was reported is written later', async () => {
    await rm(directory.at('db'), { recursive: true, force: true });
    await writeFile(directory.at('db'), 'no directory');
    const outcome = expect(service.shadow.set('a', 1)).rejects.toMatchObject({ code: 'SHADOW_UNSAVED' });
    await clock.advance(5000);
    await outcome;
    await rm(directory.at('db'));
    await clock.advance(30_000);
    await service.stop();
    expect(JSON.parse(await readFile(file(), 'utf8')).shadows[0].reported).toEqual({ a: 1 });
  });
});

describe('a message about a shadow', () => {
  it('that is not what it should be is dropped', async () => {
    await connect();
    for (const payload of ['{', '[]', 'null', '{"state":[]}', '{"state":{"reported":7},"version":"x"}']) {
      for (const end of [
        'update/delta',
        'update/accepted',
        'get/accepted',
        'get/rejected',
        'name/a b/update/delta',
      ]) {
        service.receive(`$aws/things/D1/shadow/${end}`, Buffer.from(payload));
      }
    }
    expect(service.shadow.get()).toEqual({});
    expect(events).toEqual([]);
  });
});
