import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../test/world.ts';
import type { AgentOptions } from '../agent.ts';
import { exitCodeOf } from '../exit-code.ts';
import { loadConfig, locateDirectories } from './load-config.ts';

/** Writes files (by path below the directory) and loads them; `config/` is @config, `state/` is @state. */
async function load(directory: Directory, files: Record<string, string>, options: AgentOptions = {}) {
  await mkdir(directory.at('config'), { recursive: true });
  await mkdir(directory.at('state', 'config'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(directory.at(name), text);
  const all = { config: directory.at('config'), state: directory.at('state'), ...options };
  return loadConfig(all, await locateDirectories(all));
}

describe('the load order', () => {
  it('is ioto, local, web, device, provision, local: later wins', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, {
      'config/ioto.json5': `{ version: '1', device: { name: 'ioto', model: 'ioto' }, web: { listen: ':1' } }`,
      'config/web.json5': `{ listen: ':2' }`,
      'config/device.json5': `{ name: 'device', product: 'P', colour: 'red' }`,
      'config/local.json5': `{ version: '2', device: { name: 'local' } }`,
    });
    expect(settings).toMatchObject({
      version: '2',
      web: { listen: ':2' },
      device: { name: 'local', model: 'ioto', product: 'P', colour: 'red' },
    });
  });

  it("reads what lies in @state/config after the maker's files", async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, {
      'config/device.json5': `{ product: 'P', name: 'shipped' }`,
      'state/config/device.json5': `{ id: 'JT08FFQXWQ', name: 'mine' }`,
      'state/config/provision.json5': `{ registered: true, accountId: 'A' }`,
    });
    expect(settings.device).toMatchObject({ product: 'P', id: 'JT08FFQXWQ', name: 'mine' });
    expect(settings.provision).toMatchObject({ registered: true, accountId: 'A' });
  });

  it('reads a web.json5 that names its section, and says where a mistake in it stands', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, {
      'config/web.json5': `{ web: { listen: ':2', limits: { headers: '50' } } }`,
    });
    expect(settings.web).toMatchObject({ listen: ':2', limits: { headers: 50, requests: 1000 } });
    const bad = { 'config/web.json5': `{\n  web: {\n    timeouts: { parse: 'soon' },\n  },\n}` };
    await expect(load(directory, bad)).rejects.toThrow(/web\.json5:3:17: web\.timeouts\.parse: /);
  });

  it('tells names that are no settings, wherever they stand', async () => {
    await using directory = await Directory.create();
    const { unread } = await load(directory, {
      'config/ioto.json5': `{ servces: {}, shadow: { sav: 5 }, logs: { filez: [], files: [{ pth: 'x' }] }, _off: {},
        jobs: { programs: { backup: { path: '/b', arg: [] } } }, services: { other: true }, device: { colour: 'red' } }`,
    });
    const names = ['1:3: servces', '1:26: shadow.sav', '1:44: logs.filez', '1:65: logs.files.0.pth'];
    const file = directory.at('config', 'ioto.json5');
    expect(unread).toEqual([...names, '2:51: jobs.programs.backup.arg'].map((each) => `${file}:${each}`));
  });

  it('tells such names of web.json5, too, but not what files of Ioto say of another server', async () => {
    await using directory = await Directory.create();
    const { unread } = await load(directory, {
      'config/web.json5': `{ show: 'H', limits: { fibers: 30, conections: 5 },
        web: { document: 'x', routes: [{ match: '/a', rolle: 'admin', _role: 'user' }] } }`,
    });
    expect(unread.map((each) => each.replace(/^.*web\.json5:/, ''))).toEqual([
      '1:36: web.limits.conections',
      '2:16: web.document',
      '2:55: web.routes.0.rolle',
    ]);
  });

  it('says of what is missing where it is missing from', async () => {
    await using directory = await Directory.create();
    const missing = { 'config/web.json5': `{\n  auth: { users: {\n    ann: { role: 'admin' },\n  } },\n}` };
    await expect(load(directory, missing)).rejects.toThrow(/web\.json5:3:5: web\.auth\.users\.ann/);
  });

  it('reads .json where .json5 is missing', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, {
      'config/ioto.json': '{ "version": "json" }',
      'config/device.json': '{ "name": "json" }',
      'config/device.json5': '{ name: "json5" }',
    });
    expect(settings).toMatchObject({ version: 'json', device: { name: 'json5' } });
  });

  it('lets options win over files', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(
      directory,
      {
        'config/ioto.json5': `{ api: { builder: 'https://file/api' } }`,
        'config/device.json5': `{ product: 'F' }`,
      },
      { builder: 'https://option/api', product: 'O', settings: { mqtt: { alpn: 'mqtt' } } },
    );
    expect(settings).toMatchObject({
      api: { builder: 'https://option/api' },
      device: { product: 'O' },
      mqtt: { alpn: 'mqtt' },
    });
  });

  it('works without any file', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, {});
    expect(settings.mqtt).toMatchObject({ alpn: 'x-amzn-mqtt-ca', timeout: 30_000 });
    expect(Object.isFrozen(settings.mqtt)).toBe(true);
  });
});

describe('conditional sets', () => {
  const text = `{
    profile: 'dev',
    mode: 'b',
    version: 'plain',
    conditional: {
      profile: { dev: { version: 'for dev' }, prod: { version: 'for prod', api: { builder: 'https://prod/api' } } },
      mode: { a: { device: { name: 'A' } }, b: { device: { name: 'B' } } },
    },
  }`;

  it('blend the set whose name equals the property', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, { 'config/ioto.json5': text });
    expect(settings).toMatchObject({ version: 'for dev', device: { name: 'B' } });
    expect(settings).not.toHaveProperty('conditional');
  });

  it('take the profile from the option, then the environment, then the file', async () => {
    await using directory = await Directory.create();
    const files = { 'config/ioto.json5': text };
    const profile = async (options: AgentOptions) => (await load(directory, files, options)).settings.version;
    expect(await profile({ profile: 'prod', environment: { IOTO_PROFILE: 'dev' } })).toBe('for prod');
    expect(await profile({ environment: { IOTO_PROFILE: 'prod', PROFILE: 'dev' } })).toBe('for prod');
    expect(await profile({ environment: { PROFILE: 'prod' } })).toBe('for prod');
    expect(await profile({ environment: { PROFILE: '' } })).toBe('for dev');
    expect(await profile({ profile: 'none of them' })).toBe('plain');
  });

  it('may stand in the file of a section', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(
      directory,
      { 'config/web.json5': `{ conditional: { profile: { prod: { listen: 'http://:80' } } } }` },
      { profile: 'prod' },
    );
    expect(settings.web.listen).toBe('http://:80');
  });
});

describe('the claim ID in files', () => {
  it('is read in its older spelling, and as people type it', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, { 'config/device.json5': `{ claim: 'jt08f-fqxwq' }` });
    expect(settings.device.id).toBe('JT08FFQXWQ');
  });

  it('is an error when both spellings are there and differ', async () => {
    await using directory = await Directory.create();
    const loading = load(directory, {
      'config/device.json5': `{\n  id: 'JT08FFQXWQ',\n  claim: '0123456789',\n}`,
    });
    await expect(loading).rejects.toThrow(
      `${directory.at('config/device.json5')}:3:3: device.claim: differs from id`,
    );
  });

  it('is an error when it is malformed', async () => {
    await using directory = await Directory.create();
    const loading = load(directory, { 'config/device.json5': `{ id: 'short' }` });
    await expect(loading).rejects.toThrow('device.json5:1:3: device.id: a claim ID is');
  });
});

describe('directories', () => {
  it('lie under @state unless the file says otherwise', async () => {
    await using directory = await Directory.create();
    const { directories } = await load(
      directory,
      { 'config/ioto.json5': `{ directories: { site: '@config/site', db: '/data/db' } }` },
      {},
    );
    expect(directories).toMatchObject({
      state: directory.at('state'),
      certs: directory.at('state', 'certs'),
      site: directory.at('config', 'site'),
      db: '/data/db',
    });
  });

  it("take @state from the maker's file when no option names it", async () => {
    await using directory = await Directory.create();
    await mkdir(directory.at('config'));
    await writeFile(
      directory.at('config/ioto.json5'),
      `{ directories: { state: '${directory.at('elsewhere')}' } }`,
    );
    const { state } = await locateDirectories({ config: directory.at('config') });
    expect(state).toBe(directory.at('elsewhere'));
  });

  it('that were named and are not there are an error', async () => {
    await expect(locateDirectories({ config: '/no/such/directory' })).rejects.toMatchObject({
      code: 'CONFIG_MISSING',
    });
  });
});

describe('mistakes in files', () => {
  const mistakes: [string, string, string][] = [
    ['a syntax error', `{\n  version: '1',\n  mqtt: }`, 'ioto.json5:3:9'],
    ['no object', `[1]`, 'ioto.json5:1:1: expected an object'],
    [
      'a wrong type',
      `{\n  mqtt: {\n    port: 'x' },\n}`,
      'ioto.json5:3:5: mqtt.port: must be a whole number from 1 to 65535',
    ],
    [
      'a number out of range',
      `{ serialize: { length: 30 } }`,
      'serialize.length: must be a whole number from 10 to 20',
    ],
    [
      'a unit that is none',
      `{ mqtt: { timeout: '3 moons' } }`,
      `ioto.json5:1:11: mqtt.timeout: "3 moons" is not a time`,
    ],
    ['a size that is none', `{ limits: { answer: true } }`, `limits.answer: must be a size such as '10k'`],
    [
      'one of the wrong choices',
      `{ log: { level: 'loud' } }`,
      'log.level: must be "debug" or "info" or "warn" or "error"',
    ],
    ['a wrong element of a list', `{ web: { listen: [1] } }`, 'ioto.json5:1:'],
    [
      'a listen address that is none',
      `{ web: { listens: ['x y'] } }`,
      'ioto.json5:1:10: web.listens: "x y" is no',
    ],
    [
      'an authority that is not there',
      `{ tls: { authority: '@config/ca.pem' } }`,
      'ioto.json5:1:10: tls.authority: there is no file',
    ],
    [
      'a database in another directory',
      `{ database: { path: '../x.db' } }`,
      'ioto.json5:1:15: database.path: must be a name of letters, digits, - and _',
    ],
    [
      'a message that no cloud takes',
      `{ database: { maxSyncSize: '1mb' } }`,
      'ioto.json5:1:15: database.maxSyncSize: may be 120k at most',
    ],
    [
      'a schema that is no file',
      `{ database: { schema: '@config' } }`,
      'ioto.json5:1:15: database.schema: there is no file',
    ],
    ['a base that is no URL', `{ api: { builder: 'host' } }`, 'ioto.json5:1:10: api.builder: must be a URL'],
    [
      'a mistake in a conditional set',
      `{ conditional: { profile: {\n dev: { version: 1 } } } }`,
      'ioto.json5:2:9: version',
    ],
  ];
  for (const [name, text, message] of mistakes) {
    it(`of ${name} name file, line and column, with exit code 2`, async () => {
      await using directory = await Directory.create();
      const error = await load(directory, { 'config/ioto.json5': text }).catch((thrown) => thrown);
      expect(error.message).toContain(message);
      expect(exitCodeOf(error)).toBe(2);
    });
  }

  it('are laid at the door of the file that set the property last', async () => {
    await using directory = await Directory.create();
    const loading = load(directory, {
      'config/ioto.json5': `{ mqtt: { port: 1 } }`,
      'config/local.json5': `{ mqtt: { port: 0 } }`,
    });
    await expect(loading).rejects.toThrow(/local\.json5:1:11: mqtt\.port/);
  });

  it('do not let a prototype be changed', async () => {
    await using directory = await Directory.create();
    await load(directory, {
      'config/ioto.json5': `{ "__proto__": { polluted: 1 }, constructor: { prototype: { polluted: 1 } } }`,
    });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('units', () => {
  it('become milliseconds and bytes', async () => {
    await using directory = await Directory.create();
    const { settings } = await load(directory, {
      'config/ioto.json5': `{ mqtt: { timeout: '15secs', limit: '24 hrs', first: 'never', delay: 2 },
        database: { maxJournalSize: '10k' }, limits: { answer: 'unlimited' } }`,
    });
    expect(settings.mqtt).toMatchObject({
      timeout: 15_000,
      limit: 86_400_000,
      first: Number.POSITIVE_INFINITY,
      delay: 2000,
    });
    expect(settings.database.maxJournalSize).toBe(10_240);
    expect(settings.limits.answer).toBe(Number.POSITIVE_INFINITY);
  });
});
