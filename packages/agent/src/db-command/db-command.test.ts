import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../test/world.ts';
import type { Agent } from '../agent.ts';
import { createAgent } from '../build-agent.ts';
import { parseCommandLine } from '../command-line/parse-command-line.ts';
import { exitCodeOf } from '../exit-code.ts';
import { runDb } from './run.ts';

const SCHEMA = `{
  format: 'onetable:1.1.0', version: '1.0.0', params: { typeField: '_type', timestamps: true, isoDates: true },
  indexes: { primary: { hash: 'pk', sort: 'sk' }, gs1: { hash: 'gs1pk', sort: 'id' } },
  models: {
    Reading: {
      gs1pk: { type: 'string', value: 'value#\${value}' },
      pk: { type: 'string', value: 'reading#' }, sk: { type: 'string', value: 'reading#\${id}' },
      id: { type: 'string', required: true }, value: { type: 'number' }, secret: { type: 'string', hidden: true },
    },
  },
}`;

/** Items that are imported are the program's own: they have other times. */
const timeless = (text: string) => text.replace(/"(created|updated)":"[^"]*"/g, '');

/** A device's directories, with an agent on them or without. */
class Device {
  readonly directory: Directory;
  agent: Agent | undefined;

  private constructor(directory: Directory) {
    this.directory = directory;
  }

  static async create(): Promise<Device> {
    const device = new Device(await Directory.create());
    await mkdir(device.directory.at('config'));
    await writeFile(device.directory.at('config', 'schema.json5'), SCHEMA);
    await writeFile(
      device.directory.at('config', 'ioto.json5'),
      `{ services: { database: true }, database: { schema: '@config/schema.json5' } }`,
    );
    return device;
  }

  async start(): Promise<Agent> {
    this.agent = createAgent({ config: this.directory.at('config'), state: this.directory.at('state') });
    await this.agent.start();
    return this.agent;
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
    this.agent = undefined;
  }

  /** Runs `ioto db …`, as the program does. */
  async db(...args: string[]): Promise<{ code: number; text: string; error?: string }> {
    let text = '';
    const stdout = {
      write(part: string) {
        text += part;
        return true;
      },
    };
    const { config, state } = { config: this.directory.at('config'), state: this.directory.at('state') };
    try {
      const invocation = parseCommandLine(['--config', config, '--state', state, 'db', ...args], '1.0.0');
      if (invocation.command !== 'db') throw new Error(`taken for ${invocation.command}`);
      return {
        code: await runDb(invocation.db, invocation.options, { stdout, stdin: Readable.from([]) }),
        text,
      };
    } catch (error) {
      return { code: exitCodeOf(error), text, error: (error as Error).message };
    }
  }

  async rows(...args: string[]): Promise<Record<string, unknown>[]> {
    const { text, error } = await this.db(...args, '--json');
    if (error) throw new Error(error);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}

async function filled(count = 3): Promise<Device> {
  const device = await Device.create();
  const { db } = await device.start();
  await db.transact((transaction) => {
    for (let at = 0; at < count; at += 1)
      transaction.create('Reading', { id: `r${at}`, value: at % 2, secret: `s${at}` });
  });
  return device;
}

describe.each([
  ['an agent that runs', true],
  ['no agent', false],
])('ioto db with %s', (_name, runs) => {
  async function ready(count?: number): Promise<Device> {
    const device = await filled(count);
    if (!runs) await device.stop();
    return device;
  }

  it('finds items, a page after the other', async () => {
    await using device = await ready(5);
    const first = await device.rows('find', 'Reading', '--limit', '3');
    expect(first.map(({ id }) => id)).toEqual(['r0', 'r1', 'r2', undefined]);
    const next = String(first.at(-1)?.next);
    expect(
      (await device.rows('find', 'Reading', '--limit', '3', '--next', next)).map(({ id }) => id),
    ).toEqual(['r3', 'r4']);
    expect((await device.rows('find', 'Reading', '{ value: 1 }')).map(({ id }) => id)).toEqual(['r1', 'r3']);
    const { text } = await device.db('find', 'Reading', '--limit', '2');
    expect(text.split('\n')[0]).toMatch(/^id +value +/);
    expect(text).toContain('there are more: --next ');
  });

  it('shows hidden fields to those who ask only', async () => {
    await using device = await ready();
    expect(await device.rows('get', 'Reading', '{id:"r1"}')).toMatchObject([{ id: 'r1', value: 1 }]);
    for (const verb of [['get', 'Reading', '{id:"r1"}'], ['find', 'Reading'], ['export']]) {
      expect((await device.db(...verb)).text, verb[0]).not.toContain('s1');
      expect((await device.db(...verb, '--hidden')).text, verb[0]).toContain('s1');
    }
  });

  it('lists and counts', async () => {
    await using device = await ready();
    expect(await device.rows('models')).toContainEqual({
      model: 'Reading',
      items: 3,
      sync: 'none',
      durability: 'each',
    });
    expect(await device.rows('count', 'Reading')).toEqual([{ model: 'Reading', items: 3 }]);
    expect(await device.rows('stats')).toMatchObject([{ items: 3, outbox: 0 }]);
    expect((await device.db('stats')).text).toMatch(/^files +no snapshot yet, journal \d+ bytes$/m);
    expect((await device.db('find', 'Store')).text).toBe('no items\n');
  });

  it('exports what it imports, more than one page of it', async () => {
    await using device = await ready(1200);
    const { text } = await device.db('export', 'Reading', '--hidden');
    await using other = await Device.create();
    if (runs) await other.start();
    await writeFile(other.directory.at('items.json5'), text);
    expect(await other.db('import', other.directory.at('items.json5'))).toEqual({
      code: 0,
      text: '1200 items imported\n',
    });
    const taken = (await other.db('export', 'Reading', '--hidden')).text;
    expect(timeless(taken) === timeless(text)).toBe(true);
    const lines = (await device.db('export', 'Reading', '--hidden', '--json')).text;
    await writeFile(other.directory.at('items.jsonl'), lines);
    const again = await other.db('import', other.directory.at('items.jsonl'));
    expect(again).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^item 1: there is already a Reading/),
    });
    expect(await other.rows('import', other.directory.at('items.jsonl'), '--replace')).toEqual([
      { imported: 1200 },
    ]);
  });

  it('says what is wrong and where, and exits with 2 for what was typed wrong', async () => {
    await using device = await ready();
    expect(await device.db('find', 'Nothing')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/no model "Nothing"; it has .*Reading/),
    });
    expect(await device.db('find', 'Reading', '--index', 'gs9')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/no items in an index "gs9"; it has gs1$/),
    });
    expect(await device.db('find', 'Reading', '{ id: }')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/JSON:1:7/),
    });
    expect(await device.db('get', 'Reading', '{}')).toMatchObject({
      code: 2,
      error: expect.stringContaining('id'),
    });
    expect(await device.db('get', 'Reading', '{ id: "x" }')).toMatchObject({
      code: 1,
      error: 'there is no such Reading',
    });
    for (const args of [
      [],
      ['frobnicate'],
      ['get', 'Reading'],
      ['find', 'Reading', '--limit', '0'],
      ['import', 'nowhere'],
    ]) {
      expect(await device.db(...args), args.join(' ')).toMatchObject({ code: 2, text: '' });
    }
  });

  it('imports files as editors leave them, and none that would be misread', async () => {
    await using device = await ready();
    const importing = async (bytes: string | Buffer) => {
      await writeFile(device.directory.at('items'), bytes);
      return device.db('import', device.directory.at('items'));
    };
    const bom = '\ufeff';
    expect(await importing(`${bom}{"_type":"Reading","id":"bom"}\r\n`)).toMatchObject({ code: 0 });
    expect(await importing('')).toMatchObject({ code: 0, text: '0 items imported\n' });
    const latin = Buffer.from('[{ _type: "Reading", id: "caf\u00e9" }]', 'latin1');
    expect(await importing(latin)).toMatchObject({
      code: 2,
      error: expect.stringMatching(/items is no text/),
    });
    expect(await importing('{"id":"a"}')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/^item 1: it has no _type/),
    });
    expect(await importing('['.repeat(100_000))).toMatchObject({
      code: 2,
      error: expect.stringContaining('nested too deeply'),
    });
  });

  it('checks the files', async () => {
    await using device = await ready();
    expect(await device.rows('check')).toMatchObject([{ isSound: true }]);
  });
});

describe('ioto db', () => {
  it('salvages a damaged database where no agent runs, and only there', async () => {
    await using device = await filled();
    expect(await device.db('salvage')).toMatchObject({ code: 1, error: expect.stringContaining('in use') });
    await device.stop();
    const [file] = (await readdir(device.directory.at('state', 'db'))).filter((name) =>
      name.endsWith('.journal'),
    );
    const path = device.directory.at('state', 'db', file as string);
    const bytes = await readFile(path);
    bytes[bytes.indexOf('reading#r1')] = 0;
    await writeFile(path, bytes);
    const before = await readdir(device.directory.at('state', 'db'));
    expect(await device.db('check')).toMatchObject({ code: 1, text: expect.stringContaining('damaged') });
    expect(await device.db('find', 'Reading')).toMatchObject({
      code: 1,
      error: expect.stringContaining(path),
    });
    expect(await readdir(device.directory.at('state', 'db'))).toEqual(before);
    expect(await device.rows('salvage')).toMatchObject([{ lost: [{ file: path, reason: 'damaged' }] }]);
    expect(await device.rows('check')).toMatchObject([{ isSound: true }]);
    expect(await device.rows('salvage')).toEqual([{ salvaged: false }]);
  });

  it('says so where there is no database, and makes none', async () => {
    await using device = await Device.create();
    for (const verb of ['models', 'check', 'salvage', 'export']) {
      expect(await device.db(verb), verb).toMatchObject({
        code: 1,
        error: expect.stringMatching(/^there is no database in .*state: .*--state/),
      });
    }
    await expect(readdir(device.directory.at('state'))).rejects.toThrow('ENOENT');
    await writeFile(device.directory.at('state'), 'a file');
    expect(await device.db('models')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/state\/db is no directory$/),
    });
  });

  it('leaves the files of a device as they are when it looks at them', async () => {
    await using device = await filled();
    await device.stop();
    const read = async () => {
      const names = (await readdir(device.directory.at('state'), { recursive: true })).sort();
      const journals = names.filter((name) => name.includes('device.'));
      return [names, await Promise.all(journals.map((name) => readFile(device.directory.at('state', name))))];
    };
    const before = await read();
    for (const verb of [['export'], ['models'], ['check'], ['stats']]) await device.db(...verb);
    expect(await read()).toEqual(before);
  });
});
