import { callApi } from '@ioto/testkit/api-call';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { until } from '@ioto/testkit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, ioto, launch, launchCloud } from './command-line.fixture.ts';

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}\n$/;

let directory: TempDirectory;
let state: string;
let cloud: CommandLine;

const admin = (args: readonly string[], input?: string) => cloud.admin(args, input);

beforeAll(async () => {
  directory = await TempDirectory.create();
  state = directory.at('cloud');
  cloud = await launchCloud(state);
});

afterAll(async () => {
  await cloud.stop();
  await directory[Symbol.asyncDispose]();
});

describe('ioto-cloud start', () => {
  it('says where it serves, and the owner login once, which works', async () => {
    const api = cloud.started.out.trim();
    expect(api).toMatch(/^https:\/\/localhost:\d+\/api$/);
    const [, email, password] = /email\s+(\S+)\n\s+password\s+(\S+)/.exec(cloud.started.said) ?? [];
    const { readFile } = await import('node:fs/promises');
    const authority = await readFile(`${state}/ca.crt`, 'utf8');
    const login = await callApi({ url: `${api}/user/login`, authority, body: { email, password } });
    expect(login.status).toBe(200);
    const health = await callApi({ url: api.replace('/api', '/healthz'), method: 'GET', authority });
    expect([health.status, health.json]).toEqual([200, { status: 'ok' }]);
    const metrics = await callApi({ url: api.replace('/api', '/metrics'), method: 'GET', authority });
    expect(metrics.text).toMatch(
      /^ioto_http_request_seconds_count\{route="\/api\/user\/login",status="200"\} 1$/m,
    );
  });

  it('stops cleanly when asked to, and a second start shows no login', async () => {
    const own = directory.at('own');
    const args = ['start', '--state', own, '--listen', '127.0.0.1:0', '--quiet'];
    for (const shown of [true, false]) {
      const program = launch(args);
      await until('it to serve', () => program.run.out !== '');
      program.stop();
      const { code, said } = await program.done;
      expect({ code, shown: said.includes('password') }).toEqual({ code: 0, shown });
    }
  });

  it('takes the data schema of the devices, and says what is wrong with it', async () => {
    const own = directory.at('with-schema');
    const file = directory.at('schema.json5');
    const { writeFile, readFile } = await import('node:fs/promises');
    await writeFile(
      directory.at('models.json5'),
      "{ models: { Note: { sk: { type: 'string', value: 'note#' } } } }",
    );
    const args = ['start', '--state', own, '--listen', '127.0.0.1:0', '--quiet', '--schema', file];
    const missing = await ioto(args);
    expect(missing).toMatchObject({ code: 1, said: expect.stringContaining(`${file} is missing`) });
    await writeFile(file, "{ blend: ['models.json5'], process: { Note: { sync: 'sideways' } } }");
    const wrong = await ioto(args);
    expect(wrong).toMatchObject({ code: 1, said: expect.stringContaining('process.Note.sync') });
    await writeFile(file, "{ blend: ['models.json5'], process: { Note: { enable: 'both', sync: 'up' } } }");
    const program = launch(args);
    await until('it to serve', () => program.run.out !== '');
    const api = program.run.out.trim();
    const [, email, password] = /email\s+(\S+)\n\s+password\s+(\S+)/.exec(program.run.said) ?? [];
    const authority = await readFile(`${own}/ca.crt`, 'utf8');
    const login = await callApi({ url: `${api}/user/login`, authority, body: { email, password } });
    const bearer = String(login.json.token);
    const body = { _type: 'Note', deviceId: 'none' };
    const found = await callApi({ url: `${api}/generic/find`, authority, body, bearer });
    program.stop();
    await program.done;
    expect([found.status, found.json]).toEqual([200, { items: [] }]);
  });

  it('on a state directory in use says who uses it', async () => {
    const { code, said } = await admin(['start', '--listen', '127.0.0.1:0']);
    expect(code).toBe(1);
    expect(said).toContain(`in use by process ${process.pid}`);
  });

  it('on a taken port fails, and does not use up the showing of the login', async () => {
    const own = directory.at('taken');
    const port = new URL(cloud.started.out.trim()).port;
    const failed = await ioto(['start', '--state', own, '--listen', `127.0.0.1:${port}`, '--quiet']);
    expect(failed.code).toBe(1);
    expect(failed.said).toMatch(new RegExp(`^ioto-cloud: cannot listen on 127.0.0.1:${port}.*\\n$`));
    const program = launch(['start', '--state', own, '--listen', '127.0.0.1:0', '--quiet']);
    await until('it to serve', () => program.run.out !== '');
    expect(program.run.said).toContain('password');
    program.stop();
    await program.done;
  });
});

it('an empty list says to a person that it is empty, and nothing to a script', async () => {
  const { code, out, said } = await admin(['broadcast', 'list']);
  expect({ code, out, said }).toEqual({ code: 0, out: '', said: 'none\n' });
});

describe('ioto-cloud credentials', () => {
  it('prints what a shell takes for AWS clients, for the only account or the one that is named', async () => {
    const account = (await admin(['account', 'list'])).out.trim().split('\n')[0] ?? '';
    const { code, out, said } = await admin(['credentials', '--account', account, '--role', 'user']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^export AWS_ACCESS_KEY_ID=ASIA[A-Z2-7]{16}\nexport AWS_SECRET_ACCESS_KEY=\S{40,42}\n/,
    );
    expect(out).toMatch(/\nexport AWS_SESSION_TOKEN=[\w-]+\nexport AWS_REGION=local\n/);
    expect(out).toMatch(
      /\nexport AWS_DEFAULT_REGION=local\nexport AWS_DISABLE_HOST_PREFIX_INJECTION=true\nexport AWS_ENDPOINT_URL=https:\/\/localhost:\d+\n$/,
    );
    expect(said).toMatch(/until 20\d\d-/);
    const json = await admin(['credentials', '--account', account, '--seconds', '900', '--json']);
    const { expires } = JSON.parse(json.out);
    expect(Date.parse(expires) - Date.now()).toBeLessThan(901_000);
  });

  it('refuses what is no account, role or time', async () => {
    const unknown = await admin(['credentials', '--account', '01J00000000000000000000000']);
    expect([unknown.code, unknown.said]).toEqual([1, 'ioto-cloud: there is no such account\n']);
    expect((await admin(['credentials', '--role', 'owner'])).code).toBe(2);
    const short = await admin(['credentials', '--seconds', '60']);
    expect([short.code, short.said]).toEqual([1, expect.stringContaining('"seconds"')]);
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['no-such-command']],
    [['start', '--no-such-option']],
    [['start', '--listen', 'nonsense']],
    [['start', '--workers', 'many']],
    [['start', '--workers', '65']],
    [['product', 'create']],
    [['product', 'no-such-verb']],
    [['token', 'create', '--type', 'nonsense']],
    [['token', 'create']],
    [['user', 'create', 'a@b.c', '--account', 'A']],
    [['device', 'claim', 'JT08FFQXWQ']],
  ])('%j is one line on stderr and exit code 2', async (args) => {
    const { code, out, said } = await ioto(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toMatch(/^ioto-cloud: /);
  });

  it('asks for help with --help, and for the version with --version', async () => {
    expect(await ioto(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('product') });
    expect((await ioto(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('commands to a running cloud', () => {
  it('print the bare ID on stdout and the rest beside it', async () => {
    const { code, out, said } = await admin(['product', 'create', 'Lamp']);
    expect(code).toBe(0);
    expect(out).toMatch(ULID);
    expect(said).toContain('Lamp');
    const list = await admin(['product', 'list']);
    expect(list.out.split('\n')).toContain(out.trim());
  });

  it('print the answer of the API with --json', async () => {
    const { out } = await admin(['product', 'create', 'Strip', '--json']);
    const product = JSON.parse(out);
    expect(product).toMatchObject({ name: 'Strip', tokens: [{ token: product.id, enabled: true }] });
    expect(JSON.parse((await admin(['product', 'show', product.id, '--json'])).out)).toEqual(product);
  });

  it('manage products: disable, enable, expire, one more token', async () => {
    const id = (await admin(['product', 'create', 'Fan'])).out.trim();
    expect((await admin(['product', 'disable', id])).said).toContain('disabled');
    expect((await admin(['product', 'enable', id])).said).toContain('enabled');
    expect((await admin(['product', 'expire', id])).said).toMatch(/expires 20/);
    expect((await admin(['product', 'expire', id, '--never'])).said).not.toContain('expires');
    const token = (await admin(['product', 'token', id])).out.trim();
    expect((await admin(['product', 'disable', token])).out.trim()).toBe(id);
    expect((await admin(['product', 'expire', id, '--at', 'whenever'])).code).toBe(1);
  });

  it('make accounts, users and tokens', async () => {
    const account = (await admin(['account', 'create', 'Home'])).out.trim();
    const args = [
      'user',
      'create',
      'a@example.com',
      '--account',
      account,
      '--password-stdin',
      '--role',
      'viewer',
    ];
    expect((await admin(args, 'short\n')).code).toBe(1);
    expect((await admin(args, 'long enough\n')).out).toMatch(ULID);
    expect((await admin(args, 'long enough\n')).said).toMatch(/already a user/);
    expect((await admin(['token', 'create', '--type', 'cloudApi', '--account', account])).out).toMatch(
      /^ioto_capi_/,
    );
    expect((await admin(['token', 'create', '--type', 'builderApi'])).out).toMatch(/^ioto_bapi_/);
    expect((await admin(['cloud', 'create', 'Elsewhere'])).out).toMatch(/^ioto_cloud_/);
    const clouds = (await admin(['cloud', 'list'])).said;
    expect(clouds).toContain('https://localhost');
    expect(clouds).toContain('Elsewhere');
    const selfClaim = await admin(['account', 'self-claim', account, 'P1', '--json']);
    expect(JSON.parse(selfClaim.out).selfClaim).toEqual({ enabled: true, products: ['P1'] });
  });

  it('that the cloud refuses tell why in one line, and exit with 1', async () => {
    for (const args of [
      ['product', 'show', '01HZZZZZZZZZZZZZZZZZZZZZZZ'],
      ['device', 'show', 'NEVERSEEN0'],
      ['device', 'claim', 'nonsense', '--account', 'A'],
      ['device', 'release', 'NEVERSEEN0'],
    ]) {
      const { code, out, said } = await admin(args);
      expect({ args, code, out }).toEqual({ args, code: 1, out: '' });
      expect(said.trim().split('\n')).toHaveLength(1);
    }
  });

  it('say so when no cloud runs there', async () => {
    const { code, said } = await ioto(['product', 'list', '--state', directory.at('nowhere')]);
    expect(code).toBe(1);
    expect(said).toContain(directory.at('nowhere'));
  });
});
