import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const JOURNALD = '/lib/systemd/systemd-journald';
const SOCKETS = '/run/systemd/journal';
const GROUP = 'ioto/journal';
const canJournal = process.getuid?.() === 0 && existsSync(JOURNALD);

/** systemd's own journal, without a systemd: the machine's, if one runs, and otherwise one for this test. */
let journald: ChildProcess | undefined;
let world: World;

beforeAll(async () => {
  if (!canJournal) return;
  const listens = () => spawnSync('systemd-cat', ['--identifier=probe', 'true']).status === 0;
  if (!existsSync(`${SOCKETS}/stdout`) || !listens()) {
    await mkdir(SOCKETS, { recursive: true });
    journald = spawn(JOURNALD, [], { stdio: 'ignore' });
    await until('journald to listen', listens);
  }
  world = await World.create();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  journald?.kill();
});

const me = `ioto-test-${process.pid}`;

/** What a program of the machine says in its journal. */
function say(message: string): void {
  const { status, stderr } = spawnSync('logger', ['--journald'], {
    input: `MESSAGE=${message}\nSYSLOG_IDENTIFIER=${me}\n`,
  });
  expect(status, String(stderr)).toBe(0);
}

/** What the cloud holds of it. */
async function said(): Promise<string[]> {
  const question = { accountId: world.owner.accountId, group: GROUP, pattern: `"${me}"`, from: 0 };
  const { items = [] } = (await world.adminCall('/log/filter', question)).json as {
    items?: { message: string }[];
  };
  return items.map(({ message }) => message.replace(/^.*?: /, ''));
}

const arrives = (messages: string[]) =>
  until(`${messages.length} entries`, async () => (await said()).length >= messages.length, {
    every: 300,
    timeout: 30_000,
  }).then(async () => expect(await said()).toEqual(messages));

describe.skipIf(!canJournal)('a device whose journal is that of systemd', () => {
  it('sends what is written there from its start on, each entry once, also after it was killed or off', async () => {
    say('before the device looked');
    const device = await world.device();
    const settings = JSON.parse((await device.read('..', 'config', 'ioto.json5')) ?? '{}');
    const entry = { journald: true, group: GROUP, stream: '{id}', linger: '100 msec' };
    await device.configure({ ...settings, logs: { files: [entry] } });
    const program = world.switchOn(device);
    const id = await world.registered(device);
    expect((await world.claim(id)).status).toBe(200);
    await world.online(id);
    say('first');
    await arrives(['first']);
    await program.kill('SIGKILL');
    say('while it is off');
    const again = world.switchOn(device);
    await arrives(['first', 'while it is off']);
    say('umlauts äöü and "quotes"');
    await arrives(['first', 'while it is off', 'umlauts äöü and "quotes"']);
    expect((await again.kill('SIGTERM')).code).toBe(0);
  });
});
