import { writeFile } from 'node:fs/promises';
import { CloudProgram, DeviceFiles, TempDirectory, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let directory: TempDirectory;
let builder: CloudProgram;
let cloud: CloudProgram;
let product: string;
let account: string;
let cloudArgs: string[];

beforeAll(async () => {
  directory = await TempDirectory.create();
  builder = await CloudProgram.start({ state: directory.at('builder'), args: ['--roles', 'builder'] });
  product = await builder.id(['product', 'create', 'Lamp']);
  const key = await builder.id(['cloud', 'create', 'Europe']);
  await writeFile(directory.at('cloud.key'), key, { mode: 0o600 });
  cloudArgs = [
    ...['--roles', 'device-cloud', '--builder', builder.api, '--builder-authority', builder.authorityFile],
    ...['--cloud-key-file', directory.at('cloud.key'), '--name', 'Europe', '--region', 'eu'],
  ];
  cloud = await CloudProgram.start({ state: directory.at('cloud'), args: cloudArgs });
  account = await cloud.id(['account', 'create', 'Owner']);
});

afterAll(async () => {
  await cloud?.[Symbol.asyncDispose]();
  await builder?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

function newDevice(name: string): Promise<DeviceFiles> {
  return DeviceFiles.create({
    directory: directory.at(name),
    builder: builder.api,
    product,
    authority: builder.authority + cloud.authority,
  });
}

async function registered(device: DeviceFiles): Promise<string> {
  await until('it to be registered', async () =>
    (await device.read('config', 'provision.json5'))?.includes('registered'),
  );
  return (await device.id()) ?? '';
}

async function online(id: string): Promise<void> {
  await until(
    `${id} to be online`,
    async () => (await cloud.json(['device', 'show', id])).connection === 'online',
    {
      every: 200,
      timeout: 15_000,
    },
  );
}

describe('builder and device cloud as two processes on two ports', () => {
  it('take a device from the one to the other', async () => {
    const device = await newDevice('device-1');
    const program = device.start();
    const id = await registered(device);
    await cloud.id(['device', 'claim', id, '--account', account]);
    await online(id);
    const provision = (await device.read('config', 'provision.json5')) ?? '';
    expect(provision).toContain(String(cloud.port));
    expect(provision).toContain('Europe');
    await program.kill();
  });

  it('go on serving connected devices while the builder is away, and claim again when it is back', async () => {
    const device = await newDevice('device-2');
    const program = device.start();
    const id = await registered(device);
    await cloud.id(['device', 'claim', id, '--account', account]);
    await online(id);
    const second = await newDevice('device-3');
    const waiting = second.start();
    const other = await registered(second);

    await builder.program.kill();
    expect((await cloud.json(['device', 'show', id])).connection).toBe('online');
    const refused = await cloud.run(['device', 'claim', other, '--account', account]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/builder/i);

    builder = await CloudProgram.start({
      state: builder.state,
      port: builder.port,
      args: ['--roles', 'builder'],
    });
    await until(
      'the claim',
      async () => (await cloud.run(['device', 'claim', other, '--account', account])).code === 0,
      {
        every: 200,
      },
    );
    await online(other);
    await Promise.all([program.kill(), waiting.kill()]);
  });

  it('lists the cloud with its address at the builder', async () => {
    const { stdout } = await builder.run(['cloud', 'list']);
    expect(stdout).toMatch(/[0-9A-HJKMNP-TV-Z]{26}/);
  });

  it('say which role a command needs that the other process has', async () => {
    const { code, stderr } = await builder.run(['device', 'list']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('role device-cloud') });
    expect((await cloud.run(['product', 'list'])).stderr).toContain('role builder');
  });

  it('a cloud whose key the builder does not know says so', async () => {
    await using elsewhere = await TempDirectory.create();
    await writeFile(elsewhere.at('wrong.key'), 'nonsense', { mode: 0o600 });
    const args = cloudArgs.map((arg) =>
      arg === directory.at('cloud.key') ? elsewhere.at('wrong.key') : arg,
    );
    const outcome = await CloudProgram.start({ state: elsewhere.at('cloud'), args }).then(
      async (started) => {
        await using _started = started;
        await started.program.waitFor(/401|key|CLOUD_[A-Z_]+|UNAUTHENTICATED/);
        return started.program.said;
      },
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(/key|UNAUTHENTICATED/i);
  });
});
