import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Program, runProgram, TempDirectory } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** Texts that only the code of a service has. */
const MARKS = {
  url: 'URL_TOO_LARGE',
  serialize: 'the factory service at ',
  database: 'agent#command#',
  web: 'Registered, waiting to be claimed',
  register: 'a claim ID: give one (--id)',
  provision: '/tok/device/provision',
  keys: 'credentials could not be renewed yet',
  mqtt: 'MQTT_FILTER_REFUSED',
  metrics: 'name:"metrics",start',
  sync: 'cannot date an item anew',
  shadow: 'a listener of the shadow failed',
  certificates: 'CERTIFICATE_REFUSED',
  logs: 'how far logs were sent cannot be saved',
  jobs: 'the endpoint ended the connection whenever the device asked for its jobs',
  update: 'the device could not ask for updates',
};
type Service = keyof typeof MARKS;

interface Built {
  file: string;
  code: string;
  /** Paths of everything that the file was made of. */
  inputs: string[];
}

let directory: TempDirectory;
let full: Built;
let small: Built;
const programs: Program[] = [];

beforeAll(async () => {
  directory = await TempDirectory.create();
  full = await build('full.cjs', []);
  small = await build('small.cjs', ['--services', 'web,database']);
});

afterAll(async () => {
  await Promise.all(programs.map((program) => program.kill()));
  await directory?.[Symbol.asyncDispose]();
});

async function build(name: string, args: string[]): Promise<Built> {
  const [file, metafile] = [directory.at(name), directory.at(`${name}.meta.json`)];
  const all = ['build', '--out', file, '--metafile', metafile, ...args];
  const { code, stderr } = await runProgram('ioto', all, { timeout: 60_000 });
  if (code !== 0) throw new Error(stderr);
  const { inputs } = JSON.parse(await readFile(metafile, 'utf8')) as { inputs: object };
  return { file, code: await readFile(file, 'latin1'), inputs: Object.keys(inputs) };
}

function marksIn({ code }: Built): string[] {
  return Object.keys(MARKS).filter((service) => code.includes(MARKS[service as Service]));
}

/** The file alone in a directory of its own, with a configuration that switches on what it contains, and more if asked. */
async function alone(
  name: string,
  { services = {}, cache }: { services?: object; cache?: Buffer | string } = {},
): Promise<{ file: string; start(...args: string[]): Program }> {
  const place = directory.at(name);
  await mkdir(place);
  const file = `${place}/agent.cjs`;
  await copyFile(small.file, file);
  if (cache !== undefined) await writeFile(`${file}.cache`, cache);
  const settings = {
    services: { web: true, database: true, ...services },
    web: { listen: 'http://127.0.0.1:0' },
  };
  await writeFile(`${place}/ioto.json5`, JSON.stringify(settings));
  const start = (...args: string[]) => {
    const env = { PATH: '/nowhere', NODE_PATH: '' };
    const program = Program.spawnScript(file, ['--config', place, '--state', `${place}/state`, ...args], {
      env,
    });
    programs.push(program);
    return program;
  };
  return { file, start };
}

describe('a build', () => {
  it('of everything contains every service', () => {
    expect(marksIn(full)).toEqual(Object.keys(MARKS));
  });

  it('of web and database contains these and nothing of the others', () => {
    expect(marksIn(small)).toEqual(['database', 'web']);
    const services = small.inputs.flatMap((path) => /services\/([a-z]+)\//.exec(path)?.[1] ?? []);
    expect([...new Set(services)].sort()).toEqual(['database', 'web']);
    expect(
      small.inputs.filter((path) => /node_modules\/(mqtt|mqtt-packet|readable-stream)\//.test(path)),
    ).toEqual([]);
  });

  it('holds no large library of which it uses a little', () => {
    const large = /node_modules\/(typebox|pino|readable-stream|socks|esbuild)\//;
    expect(full.inputs.filter((path) => large.test(path))).toEqual([]);
  });
});

describe('a built file that is alone in its directory', () => {
  it('says its version, and runs to the end of what it was asked for', async () => {
    const { start } = await alone('alone');
    const version = start('--version');
    expect(await version.exited).toMatchObject({ code: 0 });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await start('--exit', 'local').exited).toMatchObject({ code: 0 });
  });

  it('shows its page', async () => {
    const { start } = await alone('page');
    const [, address] = await start().waitFor(/"addresses":\["([^"]+)"/);
    const answer = await fetch(`${address}`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/<html/);
  });

  it('takes a first password, and hashes it with nothing beside it', async () => {
    const { file, start } = await alone('password');
    const web = { listen: 'http://127.0.0.1:0', routes: [{ match: '', role: 'user' }] };
    await writeFile(
      file.replace('agent.cjs', 'ioto.json5'),
      JSON.stringify({ services: { web: true }, web }),
    );
    const [, address] = await start().waitFor(/"addresses":\["([^"]+)"/);
    const status = async (password: string) => {
      const body = JSON.stringify({ username: 'ann', password });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${address}api/public/login`, { method: 'POST', headers, body })).status;
    };
    expect((await fetch(`${address}`)).status).toBe(401);
    expect([
      await status('correct horse'),
      await status('correct house'),
      await status('correct horse'),
    ]).toEqual([200, 401, 200]);
  });

  it('says once what its configuration asks for and it does not contain', async () => {
    const { start } = await alone('named', { services: { mqtt: true } });
    const program = start('--exit', 'local');
    expect(await program.exited).toMatchObject({ code: 0 });
    expect(program.stderr.match(/this build does not contain/g)).toHaveLength(1);
    expect(program.stderr).toContain('this build does not contain the service mqtt: it stays off');
  });

  it('names what is wrong with its configuration as the agent does', async () => {
    const { file, start } = await alone('wrong');
    await writeFile(file.replace('agent.cjs', 'ioto.json5'), '{ web: { limits: { connections: "many" } } }');
    const program = start();
    expect(await program.exited).not.toMatchObject({ code: 0 });
    expect(program.stderr).toMatch(/ioto\.json5.*web\.limits\.connections: "many" is not a whole number/);
  });

  it('runs with a cache that is garbage, cut short, or of another build', async () => {
    const own = await readFile(`${small.file}.cache`);
    const caches = {
      garbage: Buffer.alloc(100_000, 'garbage'),
      short: own.subarray(0, 10_000),
      altered: Buffer.concat([own.subarray(0, 64), Buffer.alloc(own.length - 64, 7)]),
      other: await readFile(`${full.file}.cache`),
      empty: '',
    };
    for (const [name, cache] of Object.entries(caches)) {
      const { start } = await alone(name, { cache });
      expect([name, await start('--exit', 'local').exited]).toEqual([name, { code: 0, signal: null }]);
    }
  });
});

describe('a built agent with all services', () => {
  it('goes from its first start to its cloud', async () => {
    await using world = await World.create();
    const device = await world.device();
    const args = ['--config', device.config, '--state', device.state, '--verbose'];
    await using agent = Program.spawnScript(full.file, args);
    const id = await world.registered(device);
    await world.claim(id);
    await world.online(id, agent);
    expect(await agent.kill('SIGTERM')).toMatchObject({ code: 0 });
  });
});

describe('a program of its own', () => {
  it('is built with the agent in it', async () => {
    const entry = directory.at('own.ts');
    await writeFile(
      entry,
      `import { createAgent } from '@ioto/agent';
       const agent = createAgent({ config: '.', state: 'state', settings: { services: { database: true } } });
       main();
       async function main(): Promise<void> {
         await agent.start();
         process.stdout.write(agent.status.phase);
         await agent.stop();
       }`,
    );
    const { file } = await build('own.cjs', ['--services', 'database', '--entry', entry]);
    const program = Program.spawnScript(file, [], { cwd: directory.at('.') });
    expect(await program.exited).toMatchObject({ code: 0 });
    expect(program.stdout).toBe('local');
  });

  it('that does not compile is an error with its place', async () => {
    const entry = directory.at('broken.ts');
    await writeFile(entry, "import { none } from './nowhere.ts';\nnone();\n");
    const args = ['build', '--out', directory.at('broken.cjs'), '--entry', entry];
    const { code, stderr } = await runProgram('ioto', args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/build: .*broken\.ts:1: Could not resolve ".\/nowhere\.ts"/);
  });
});

describe('wrong use', () => {
  it.each([
    [['build'], /--out/],
    [['build', '--out', 'agent.js'], /--out agent\.js: name it \.cjs/],
    [
      ['build', '--out', 'agent.cjs', '--services', 'web,telnet'],
      /there is no service "telnet"; there are url, /,
    ],
    [['build', '--out', 'agent.cjs', 'web'], /too many|unknown/],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await runProgram('ioto', args, { cwd: directory.at('.') });
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('a place that cannot be written is named', async () => {
    const place = directory.at('a-file');
    await writeFile(place, '');
    await chmod(place, 0o400);
    const out = `${place}/agent.cjs`;
    const { code, stderr } = await runProgram('ioto', ['build', '--out', out, '--services', 'web']);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`cannot write ${out} (`);
    await rm(place);
  });
});
