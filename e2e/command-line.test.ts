import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callApi, freePort, runProgram, TempDirectory, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('ioto-cloud start', () => {
  it('prints the owner login once, and never again', async () => {
    const { program } = world.cloud;
    expect(program.stdout + program.stderr).toMatch(/owner@localhost/);
    const password = /password\W+([a-z0-9-]{15,})/i.exec(program.stdout + program.stderr)?.[1] ?? '';
    const login = { email: 'owner@localhost', password };
    expect((await world.cloud.call('/user/login', { body: login })).status).toBe(200);
    await world.stopCloud('SIGTERM');
    await world.startCloud();
    expect(world.cloud.program.stdout + world.cloud.program.stderr).not.toContain(password);
    expect((await world.cloud.call('/user/login', { body: login })).status).toBe(200);
  });

  it('keeps what is secret to its user', async () => {
    const { state } = world.cloud;
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    for (const name of ['keys/admin.key', 'ca.key']) {
      expect((await stat(join(state, name))).mode & 0o777, name).toBe(0o600);
    }
    expect(world.cloud.authority).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });

  it('answers /healthz, and /metrics in the text of Prometheus', async () => {
    const { origin, authority } = world.cloud;
    const health = await callApi({ url: `${origin}/healthz`, method: 'GET', authority });
    expect(health.status).toBe(200);
    const metrics = await callApi({ url: `${origin}/metrics`, method: 'GET', authority });
    expect(metrics.status).toBe(200);
    expect(metrics.headers['content-type']).toMatch(/^text\/plain/);
    expect(metrics.text).toMatch(/^# TYPE \w+ (counter|gauge|histogram)$/m);
    expect(metrics.text).not.toContain(world.product);
  });

  it('ends cleanly within 5 s of SIGTERM, with a device connected and others waiting', async () => {
    const { program } = await world.connectedDevice();
    const waiting = await world.device();
    const other = world.switchOn(waiting);
    await world.registered(waiting);
    const started = Date.now();
    const exit = await world.cloud.program.kill('SIGTERM');
    expect(Date.now() - started).toBeLessThan(5000);
    expect(exit).toEqual({ code: 0, signal: null });
    await world.startCloud();
    await Promise.all([program.kill(), other.kill()]);
  });

  it('on a port that is taken says so in one line and exits with 1', async () => {
    await using directory = await TempDirectory.create();
    const args = ['start', '--state', directory.at('other'), '--listen', `127.0.0.1:${world.cloud.port}`];
    const { code, stderr } = await runProgram('ioto-cloud', args);
    expect(code).toBe(1);
    expect(stderr).toContain(String(world.cloud.port));
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
  });

  it.each([
    [['start', '--listen', 'nonsense']],
    [['start', '--roles', 'emperor']],
    [['start', '--host', '127.0.0.1:1']],
    [['start', '--no-such-option']],
    [['start', '--roles', 'device-cloud']],
    [['no-such-command']],
    [['product', 'create']],
    [['token', 'create', '--type', 'nonsense']],
  ])('%j is one clear line and exit code 2', async (args) => {
    await using directory = await TempDirectory.create();
    const { code, stdout, stderr } = await runProgram('ioto-cloud', [...args, '--state', directory.at('x')]);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    expect(stderr.trim()).not.toBe('');
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
  });
});

describe('ioto-cloud against a running one', () => {
  it('prints the bare ID on stdout and all else on stderr', async () => {
    const { code, stdout, stderr } = await world.run(['product', 'create', 'Bulb']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}\n$/);
    expect(stderr.trim()).not.toBe('');
    expect((await world.run(['account', 'create', 'Somebody'])).stdout.trim()).toMatch(ULID);
  });

  it('prints one object, as the API returns it, with --json', async () => {
    const { code, stdout } = await world.run(['product', 'create', 'Strip', '--json']);
    expect(code).toBe(0);
    const product = JSON.parse(stdout);
    expect(product).toMatchObject({ name: 'Strip' });
    expect(product.id).toMatch(ULID);
    const shown = JSON.parse((await world.run(['product', 'show', product.id, '--json'])).stdout);
    expect(shown).toMatchObject({ id: product.id, name: 'Strip' });
    const list = JSON.parse((await world.run(['product', 'list', '--json'])).stdout);
    expect(JSON.stringify(list)).toContain(product.id);
  });

  it('lists one ID a line', async () => {
    const { stdout } = await world.run(['product', 'list']);
    expect(stdout.split('\n').some((line) => line.startsWith(world.product))).toBe(true);
  });

  it('refuses with the reason on stderr, nothing on stdout, and exit code 1', async () => {
    for (const args of [
      ['product', 'show', '01HZZZZZZZZZZZZZZZZZZZZZZZ'],
      ['device', 'show', 'NEVERSEEN0'],
      ['device', 'claim', 'NEVERSEEN0', '--account', world.owner.accountId],
      ['device', 'claim', 'nonsense', '--account', world.owner.accountId],
      ['device', 'release', 'NEVERSEEN0'],
    ]) {
      const { code, stdout, stderr } = await world.run(args);
      expect({ code, stdout }, `${args.join(' ')}: ${stderr}`).toEqual({ code: 1, stdout: '' });
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it('takes a password from standard input only, and refuses a weak one', async () => {
    const args = ['user', 'create', 'pw@example.com', '--account', world.owner.accountId, '--role', 'viewer'];
    expect((await world.run([...args, '--password-stdin'], 'short')).code).toBe(1);
    expect((await world.run(args)).code).toBe(2);
    expect((await world.run([...args, '--password-stdin'], 'long enough to be accepted\n')).code).toBe(0);
    const login = { email: 'pw@example.com', password: 'long enough to be accepted' };
    expect((await world.cloud.call('/user/login', { body: login })).status).toBe(200);
  });

  it('makes tokens that work under /tok, and shows them once', async () => {
    const token = await world.cloud.id(['token', 'create', '--type', 'cloudApi']);
    const { status } = await world.cloud.call('/tok/device/find', {
      bearer: token,
      body: { accountId: world.owner.accountId },
    });
    expect(status).toBe(200);
    const builderToken = await world.cloud.id(['token', 'create', '--type', 'builderApi']);
    expect((await world.cloud.call('/tok/product/find', { bearer: builderToken, body: {} })).status).toBe(
      200,
    );
    expect((await world.cloud.call('/tok/device/find', { bearer: builderToken, body: {} })).status).toBe(403);
    // The store holds hashes only.
    const stored = await readFile(join(world.cloud.state, 'items', 'data.mdb')).catch(() => Buffer.alloc(0));
    expect(stored.includes(token)).toBe(false);
  });

  it('claims, shows, lists and releases a device', async () => {
    const device = await world.device();
    const program = world.switchOn(device);
    const id = await world.registered(device);
    expect(await world.cloud.id(['device', 'claim', id, '--account', world.owner.accountId])).toBe(id);
    await world.online(id, program);
    expect(await world.show(id)).toMatchObject({ id, name: 'E2E', connection: 'online' });
    expect((await world.run(['device', 'list'])).stdout).toContain(id);
    expect(await world.cloud.id(['device', 'release', id])).toBe(id);
    await program.kill();
  });

  it('that does not run, or with a state of which the key is missing, is refused with exit code 1', async () => {
    await using directory = await TempDirectory.create();
    const { code, stdout, stderr } = await runProgram('ioto-cloud', [
      'product',
      'list',
      '--state',
      directory.at('x'),
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(directory.at('x'));
  });
});

describe('ioto', () => {
  it('prints its version', async () => {
    const { code, stdout } = await runProgram('ioto', ['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\d+\.\d+\.\d+/);
  });

  it('--gen prints or stores a new claim ID', async () => {
    await using directory = await TempDirectory.create();
    const { code, stdout } = await runProgram('ioto', ['--gen', '--state', directory.path]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/[0-9A-HJKMNP-TV-Z]{10}/);
  });

  it.each([[['--no-such-option']], [['--id', 'short']], [['no-such-command']]])(
    '%j is one clear line and exit code 2',
    async (args) => {
      await using directory = await TempDirectory.create();
      const { code, stderr } = await runProgram('ioto', [...args, '--state', directory.path]);
      expect(code, stderr).toBe(2);
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
      expect(stderr).not.toMatch(/at .*\.js:\d+/);
    },
  );

  it.each([
    ['broken JSON5', "{\n  api: { builder: 'https://x/api' },\n  web: {,\n}", /ioto\.json5:3:\d+/],
    ['a value of the wrong type', "{\n  mqtt: { port: 'many' },\n}", /ioto\.json5/],
    ['a time that is none', "{\n  register: { first: 'soon' },\n}", /ioto\.json5/],
  ])('with %s names file, line and column, exit code 2', async (_name, text, where) => {
    await using directory = await TempDirectory.create();
    await writeFile(directory.at('ioto.json5'), text);
    const { code, stderr } = await runProgram('ioto', [
      '--config',
      directory.path,
      '--state',
      directory.at('state'),
    ]);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(where);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('ends cleanly within 5 s of SIGTERM, whatever it is at', async () => {
    const { program, device } = await world.connectedDevice();
    const started = Date.now();
    expect(await program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(Date.now() - started).toBeLessThan(5000);
    expect(await device.read('lock')).toBeUndefined();
  });

  it('keeps what is secret to its user', async () => {
    const { device } = await world.connectedDevice();
    for (const name of [
      'config/device.json5',
      'config/provision.json5',
      'certs/ioto.key',
      'certs/ioto.crt',
    ]) {
      expect((await stat(join(device.state, name))).mode & 0o077, name).toBe(0);
    }
  });

  it('--reset forgets certificate and cloud, and keeps who it is', async () => {
    const { device, program, id } = await world.connectedDevice();
    await program.kill('SIGTERM');
    const again = world.switchOn(device, ['--reset']);
    await again.waitFor(/the device is registered/);
    await again.waitFor(/the device has a certificate/);
    await world.online(id, again);
    expect(await device.id()).toBe(id);
  });

  it('--exit ends it, with 0, when the phase is reached', async () => {
    const device = await world.device();
    const program = device.start(['--exit', 'registered']);
    expect(await program.exited, program.said).toEqual({ code: 0, signal: null });
    expect(await device.read('config', 'provision.json5')).toContain('registered');
  });

  it('--profile blends the set of that name, and goes before the environment', async () => {
    const device = await world.device();
    const settings = JSON.parse((await device.read('../config/ioto.json5')) ?? '{}');
    const conditional = {
      profile: {
        short: { serialize: { length: 10 } },
        long: { serialize: { length: 20 } },
      },
    };
    await device.configure({ ...settings, conditional });
    const program = device.start(['--profile', 'long', '--exit', 'local'], {
      env: { IOTO_PROFILE: 'short' },
    });
    expect((await program.exited).code, program.said).toBe(0);
    expect(await device.id()).toHaveLength(20);
  });

  it('--quiet says nothing while all is well, --verbose says more than without', async () => {
    const [quiet, plain, verbose] = await Promise.all(
      [['--quiet'], [], ['--verbose']].map(async (more) => {
        const program = (await world.device()).start(['--exit', 'registered', ...more]);
        expect((await program.exited).code, program.said).toBe(0);
        return (program.stdout + program.stderr).split('\n').length;
      }),
    );
    expect(quiet).toBe(1);
    expect(verbose).toBeGreaterThanOrEqual(plain ?? 0);
    expect(plain).toBeGreaterThan(3);
  });

  it('is found by npx in the checkout, as is ioto-cloud', () => {
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    for (const name of ['ioto', 'ioto-cloud']) {
      const help = execFileSync('npx', ['--no-install', name, '--help'], {
        cwd,
        encoding: 'utf8',
        stdio: 'pipe',
      });
      expect(help).toContain(name);
    }
  });

  it('--id and --product set who the device is', async () => {
    const device = await world.device({ product: undefined });
    const program = world.switchOn(device, ['--id', 'C0MMANDMNE', '--product', world.product]);
    expect(await world.registered(device)).toBe('C0MMANDMNE');
    await program.kill();
  });

  it('wake ends the backoff of a running agent at once', async () => {
    const port = await freePort();
    const device = await world.device({
      builder: `https://localhost:${port}/api`,
      settings: { register: { first: '60 secs', limit: '60 secs' } },
    });
    const program = world.switchOn(device);
    await program.waitFor(/ECONNREFUSED|UNREACHABLE|refused/i);
    const said = program.said.length;
    expect((await runProgram('ioto', ['wake', '--state', device.state])).code).toBe(0);
    await until('another attempt', () => program.said.length > said);
  });

  it('wake without a running agent says so and exits with 1', async () => {
    await using directory = await TempDirectory.create();
    const { code, stderr } = await runProgram('ioto', ['wake', '--state', directory.path]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
