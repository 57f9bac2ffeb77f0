import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DeviceFiles, Program } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ToolKeys, toolKeys } from './mqtt-tool.ts';
import { World } from './world.ts';

const SCRIPT = fileURLToPath(new URL('./devices/aws-shadow.mjs', import.meta.url));

type Step = [verb: string, ...rest: unknown[]];

let world: World;
let id: string;
let files: DeviceFiles;
let keys: ToolKeys;

beforeAll(async () => {
  world = await World.create();
  const connected = await world.connectedDevice();
  ({ device: files, id } = connected);
  await connected.program.kill();
  keys = await toolKeys(world, 'user');
});
afterAll(() => world?.[Symbol.asyncDispose]());

const certs = (name: string) => join(files.state, 'certs', name);

/** Runs a conversation in a process of its own and resolves what came of its steps. */
async function converse(access: object, steps: Step[]): Promise<unknown[]> {
  const { port, authorityFile: ca } = world.cloud;
  const stdin = JSON.stringify({ access: { host: 'localhost', port, ca, ...access }, steps });
  await using program = Program.spawnScript(SCRIPT, [], { stdin });
  await program.waitFor(/^over$/m, { timeout: 50_000 });
  const lines = program.stdout.trim().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

describe.each(['mqtt311', 'mqtt5'] as const)('the shadow client of the AWS SDK over %s', (version) => {
  const device = () => ({
    ...{ version, clientId: id },
    certificate: { cert: certs('ioto.crt'), key: certs('ioto.key') },
  });
  const shadowName = `of-${version}`;

  it('makes, reads and removes shadows', async () => {
    const outcomes = await converse(device(), [
      // Of the same device over the other version.
      ['ask', 'deleteShadow', {}],
      ['ask', 'getShadow', {}],
      ['ask', 'updateShadow', { state: { desired: { on: true }, reported: { on: false } } }],
      ['ask', 'getShadow', {}],
      ['ask', 'updateNamedShadow', { shadowName, state: { reported: { a: [1] } } }],
      ['ask', 'getNamedShadow', { shadowName }],
      ['ask', 'deleteNamedShadow', { shadowName }],
      ['ask', 'getNamedShadow', { shadowName }],
      ['ask', 'deleteShadow', {}],
    ]);
    const [, none, made, read, named, readNamed, , gone, removed] = outcomes;
    expect(none).toEqual({ rejected: 404, message: `No shadow exists with name: '${id}'` });
    expect(made).toMatchObject({ state: { desired: { on: true }, reported: { on: false } } });
    expect(read).toMatchObject({
      state: { delta: { on: true } },
      version: (made as { version: number }).version,
    });
    expect(named).toMatchObject({ state: { reported: { a: [1] } }, version: 1 });
    expect(readNamed).toMatchObject({ metadata: { reported: { a: { timestamp: expect.any(Number) } } } });
    expect(gone).toEqual({ rejected: 404, message: `No shadow exists with name: '${id}~${shadowName}'` });
    expect(removed).toHaveProperty('version');
  });

  it('hears of differences and of what was and is', async () => {
    const outcomes = await converse({ version, clientId: 'console', thing: id, keys }, [
      ['listen', 'ShadowDeltaUpdated', {}],
      ['listen', 'NamedShadowUpdated', { shadowName }],
      ['ask', 'updateShadow', { state: { desired: { colour: 'red' } } }],
      ['ask', 'updateNamedShadow', { shadowName, state: { reported: { a: 1 } } }],
      ['told', 2],
    ]);
    expect(outcomes.at(-1)).toMatchObject([
      ['ShadowDeltaUpdated', { state: { colour: 'red' }, version: expect.any(Number) }],
      [
        'NamedShadowUpdated',
        { current: { state: { reported: { a: 1 } } }, previous: { version: expect.any(Number) } },
      ],
    ]);
  });

  it('is told with the code of AWS why a request is rejected', async () => {
    const deep = { a: { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } } };
    const outcomes = await converse(device(), [
      ['ask', 'updateShadow', { state: { desired: deep } }],
      ['ask', 'updateShadow', { state: { desired: {} }, version: 9999 }],
      ['ask', 'updateShadow', { state: { desired: { a: 'x'.repeat(9000) } } }],
      ['flood', 40, 'updateShadow', { state: { reported: { a: 1 } } }],
    ]);
    expect(outcomes.slice(0, 3)).toEqual([
      { rejected: 400, message: 'JSON contains too many levels of nesting; maximum is 8' },
      { rejected: 409, message: 'Version conflict' },
      { rejected: 413, message: 'The payload exceeds the maximum size allowed' },
    ]);
    const counts = outcomes[3] as Record<string, number>;
    expect((counts['200'] ?? 0) + (counts['429'] ?? 0)).toBe(40);
    expect(counts['429']).toBeGreaterThan(0);
  });
});
