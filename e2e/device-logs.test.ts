import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeviceFiles, type Program, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

interface Line {
  message: string;
}

/** Lines of a stream, as the cloud holds them. */
async function linesOf(group: string, stream: string): Promise<string[]> {
  const { accountId } = world.owner;
  const question = { accountId, group, stream, from: 0, limit: 10_000 };
  const { items = [] } = (await world.adminCall('/log/filter', question)).json as { items?: Line[] };
  return items.map(({ message }) => message);
}

/** Resolves when the stream holds these lines, and no others, in this order. */
async function holds(group: string, stream: string, lines: readonly string[], program: Program) {
  let found: string[] = [];
  await until(
    `${lines.length} lines in ${stream}`,
    async () => {
      found = await linesOf(group, stream);
      return found.length >= lines.length;
    },
    { every: 300, timeout: 30_000 },
  ).catch(() => undefined);
  expect(found, program.said).toEqual(lines);
}

/** A claimed device that runs and is connected, with a directory of logs. */
async function loggingDevice(files: (logs: string) => object[], log?: object) {
  const device = await world.device();
  const logs = join(device.directory, 'logs');
  await mkdir(logs);
  const settings = JSON.parse((await device.read('..', 'config', 'ioto.json5')) ?? '{}');
  const quick = { linger: '100 msec', group: 'ioto/test' };
  const entries = files(logs).map((file) => ({ ...quick, stream: '{id}/{filename}', ...file }));
  await device.configure({ ...settings, log, logs: { files: entries, poll: '50 msec' } });
  const program = world.switchOn(device);
  const id = await world.registered(device);
  expect((await world.claim(id)).status).toBe(200);
  await world.online(id);
  return { device, program, id, logs };
}

async function again(device: DeviceFiles, program: Program, signal: NodeJS.Signals): Promise<Program> {
  await program.kill(signal);
  return world.switchOn(device);
}

describe('a device that sends logs', () => {
  it('brings the lines of its files through rotations, kills and outages, each once and in order', async () => {
    const { device, program, id, logs } = await loggingDevice((at) => [{ path: `${at}/*.log` }]);
    const file = join(logs, 'app.log');
    const lines: string[] = [];
    const write = async (text: string) => {
      lines.push(text);
      await appendFile(file, `${text}\n`);
    };
    const arrived = (now: Program) => holds('ioto/test', `${id}/app.log`, lines, now);
    await write('first');
    await write('second\n  continued');
    await arrived(program);
    // Killed with everything sent, and with something unsent.
    let present = await again(device, program, 'SIGKILL');
    await write('after a kill');
    await arrived(present);
    await present.kill('SIGKILL');
    await write('while the device is off');
    await rename(file, `${file}.1`);
    await write('of the next file');
    present = world.switchOn(device);
    await arrived(present);
    await rename(file, `${file}.2`);
    await write('of the one after');
    await arrived(present);
    await world.stopCloud('SIGKILL');
    await write('while the cloud is away');
    await present.waitFor(/lines of logs cannot be sent/);
    await rename(file, `${file}.3`);
    await write('still away');
    await world.startCloud();
    await arrived(present);
    await present.kill('SIGTERM');
  });

  it('sends its own log, and the output of commands, also of the time before it had an owner', async () => {
    const files = () => [{ command: 'echo made of; echo two lines' }];
    const { program, id } = await loggingDevice(files, { path: 'cloud', group: 'ioto', stream: '{id}' });
    await holds('ioto/test', `${id}/command`, ['made of\ntwo lines'], program);
    const own = await until(
      'the own log',
      async () => {
        const found = (await linesOf('ioto', id)).map((line) => (JSON.parse(line) as { msg: string }).msg);
        return found.includes('in step with the cloud') && found;
      },
      { every: 300, timeout: 30_000 },
    );
    expect(own[0]).toBe('the device has its claim ID');
    expect(program.stderr).toBe('');
    await program.kill('SIGTERM');
  });

  it('goes on with others when a group is not its to make, and brings that along when it may', async () => {
    const { device, program, id, logs } = await loggingDevice((at) => [
      { path: `${at}/a.log`, group: 'elsewhere', position: 'start' },
      { path: `${at}/b.log`, position: 'start' },
    ]);
    await writeFile(join(logs, 'a.log'), 'not here\n');
    await writeFile(join(logs, 'b.log'), 'here\n');
    await program.waitFor(/AccessDeniedException/);
    await holds('ioto/test', `${id}/b.log`, ['here'], program);
    const allowed = await world.run(['log', 'allow', 'elsewhere', '--account', world.owner.accountId]);
    expect(allowed.code, allowed.stderr).toBe(0);
    const next = await again(device, program, 'SIGTERM');
    await holds('elsewhere', `${id}/a.log`, ['not here'], next);
    await next.kill('SIGTERM');
  });

  it('cuts a line of 50 MB, and takes what is no text', async () => {
    const { program, id, logs } = await loggingDevice((at) => [{ path: `${at}/a.log`, position: 'start' }]);
    const piece = Buffer.alloc(10_000_000, 'x');
    const file = join(logs, 'a.log');
    await writeFile(file, Buffer.from([0x61, 0, 0xff, 0x0a]));
    for (let n = 0; n < 5; n += 1) await appendFile(file, piece);
    await appendFile(file, '\nafter\n');
    const cut = `${'x'.repeat(256_000)} …[cut ${50_000_000 - 256_000} bytes]`;
    await holds('ioto/test', `${id}/a.log`, ['a\ufffd\ufffd', cut, 'after'], program);
    await program.kill('SIGTERM');
  });
});
