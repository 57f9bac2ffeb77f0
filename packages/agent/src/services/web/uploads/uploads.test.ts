import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ActionBody } from '../web-api.ts';
import { type Answer, WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';
import { baseNameOf } from './client-name.ts';

interface Part {
  /** What follows `form-data; `. */
  about?: string;
  headers?: string;
  content?: string | Buffer;
}

const B = 'x-boundary';
const headers = { 'content-type': `multipart/form-data; boundary=${B}` };

function multipart(parts: readonly Part[], end = `--${B}--\r\n`): Buffer {
  const pieces = parts.flatMap(({ about = 'name="a"', headers: more = '', content = '' }) => [
    Buffer.from(`--${B}\r\nContent-Disposition: form-data; ${about}\r\n${more}\r\n`),
    Buffer.from(content as string),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

const file = (name: string, content: string | Buffer, field = 'f'): Part => ({
  about: `name="${field}"; filename="${name}"`,
  headers: 'Content-Type: text/x-lamp\r\n',
  content,
});

type Received = Awaited<ReturnType<ActionBody['uploads']>>;

/** A device with an action that takes a form with files. */
async function desk(
  take: (received: Received, web: WebWorld) => unknown = () => 'taken',
  options: WebWorldOptions = {},
): Promise<WebWorld> {
  const web = await WebWorld.create(options);
  const handler = async ({ body }: { body: ActionBody }) => take(await body.uploads(), web);
  web.actions.add({ path: '/desk', options: {}, handler: handler as never });
  return web;
}

const post = (web: WebWorld, body: Buffer, more: Record<string, string> = headers): Promise<Answer> =>
  web.send('POST', '/desk', { headers: more, body });

const leftIn = async (web: WebWorld) =>
  existsSync(web.directory.at('tmp')) ? readdir(web.directory.at('tmp')) : [];

/** The answer is there a moment before they go. */
async function allGone(web: WebWorld): Promise<void> {
  while ((await leftIn(web)).length > 0) await delay(5);
}

describe('a form with files', () => {
  it('gives an action its fields, and its files with what they are', async () => {
    const content = Buffer.alloc(300_000, 'lamp');
    let seen: unknown;
    await using web = await desk(async ({ fields, files }) => {
      const [first] = files;
      const bytes = await readFile(first?.path ?? '');
      seen = { fields: [...fields], files: files.length, isSame: bytes.equals(content), ...first };
      const { mode } = await stat(web.directory.at('tmp'));
      return {
        name: first?.name,
        type: first?.type,
        size: first?.size,
        sha256: first?.sha256,
        mode: mode & 0o777,
      };
    });
    const answer = await post(
      web,
      multipart([{ about: 'name="a"', content: 'ü' }, file('lamp.bin', content), file('', '')]),
    );
    expect(JSON.parse(answer.text)).toEqual({
      ...{ name: 'lamp.bin', type: 'text/x-lamp', size: 300_000, mode: 0o700 },
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    expect(seen).toMatchObject({ fields: [['a', 'ü']], files: 1, isSame: true });
    await allGone(web);
  });

  it('leaves files behind that the action has moved, and no others, also when it fails', async () => {
    await using web = await desk(async ({ files }) => {
      await files[0]?.moveTo(web.directory.at('kept.bin'));
      throw new Error('after all');
    });
    expect((await post(web, multipart([file('a', 'A'), file('b', 'B')]))).status).toBe(500);
    expect(await web.directory.read('kept.bin')).toBe('A');
    await allGone(web);
  });

  it('leaves all of them with upload.remove false, until the next start', async () => {
    const options: WebWorldOptions = { web: { upload: { remove: false } } };
    await using web = await desk(() => 'taken', options);
    await post(web, multipart([file('a', 'A')]));
    expect(await leftIn(web)).toHaveLength(1);
  });

  it('is forgotten where the agent was cut off, and nothing else of the directory is', async () => {
    const ours = `ioto-upload-${'0a'.repeat(12)}`;
    await using web = await desk(undefined, {
      before: async (directory) => {
        await mkdir(directory.at('tmp'));
        await writeFile(directory.at('tmp', ours), '');
        await writeFile(directory.at('tmp', 'mine'), '');
      },
    });
    expect(await leftIn(web)).toEqual(['mine']);
  });

  it('is not put where everybody could fetch it', async () => {
    await expect(WebWorld.create({ web: { upload: { dir: '@site/tmp' } } })).rejects.toThrow(
      'web.upload.dir: lies in the documents',
    );
  });
});

describe('a form with files that a stranger made', () => {
  const many = (count: number, part: Part) => multipart(Array.from({ length: count }, () => part));
  it.each<[string, Buffer, number, Record<string, string>?]>([
    ['a file beyond the limit', multipart([file('a', Buffer.alloc(2001))]), 413],
    [
      'files beyond the limit of the request',
      multipart([file('a', Buffer.alloc(1900)), file('b', Buffer.alloc(1900))]),
      413,
    ],
    ['4 files where 3 may come', many(4, file('a', 'A')), 413],
    ['101 fields', many(101, {}), 413],
    [
      'fields of too many bytes',
      multipart([{ content: 'x'.repeat(900) }, { content: 'x'.repeat(200) }]),
      413,
    ],
    ['no last boundary', multipart([file('a', 'A')], ''), 400],
    ['an end within a part', multipart([file('a', 'A'), file('b', 'B')]).subarray(0, -40), 400],
    ['no part at all', Buffer.from('hello'), 400],
    ['headers of a part without an end', Buffer.from(`--${B}\r\n${'X-A: b\r\n'.repeat(200)}`), 400],
    ['no name of a field', multipart([{ about: 'x="a"' }]), 400],
    ['a long name of a field', multipart([{ about: `name="${'n'.repeat(257)}"` }]), 400],
    ['a zero byte in a name', multipart([{ about: 'name="a\0b"' }]), 400],
    ['a compressed body', multipart([file('a', 'A')]), 415, { ...headers, 'content-encoding': 'gzip' }],
    ['no boundary', multipart([file('a', 'A')]), 400, { 'content-type': 'multipart/form-data' }],
    [
      'a long boundary',
      multipart([]),
      400,
      { 'content-type': `multipart/form-data; boundary=${'b'.repeat(71)}` },
    ],
    ['another media type', multipart([]), 415, { 'content-type': 'multipart/mixed; boundary=b' }],
  ])('(%s) is refused, leaves nothing, and others are served', async (_what, body, status, more) => {
    await using web = await desk(undefined, { web: { limits: { upload: 2000, uploads: 3, body: 1000 } } });
    const answer = await post(web, body, more);
    expect(answer).toMatchObject({ status });
    await allGone(web);
    expect((await post(web, multipart([file('a', 'A')]))).text).toBe('"taken"');
    expect(web.warnings).toEqual([]);
  });

  it('names its files as it likes, and they are called by what can be shown of it', () => {
    expect(['../../x', 'C:\\a\\b.txt', '..', '', 'a\0\u202Eb\n', ' ü '].map(baseNameOf)).toEqual([
      ...['x', 'b.txt', 'file', 'file', 'ab', 'ü'],
    ]);
    expect(Buffer.byteLength(baseNameOf('ü'.repeat(1000)))).toBe(254);
  });

  it('reaches no file by the name that it gives', async () => {
    await using web = await desk(({ files }) => files.map(({ name }) => name));
    expect((await post(web, multipart([file('../../evil', 'A'), file('\\evil', 'B')]))).text).toBe(
      '["evil","evil"]',
    );
  });

  it('that is cut off leaves nothing, and no word in the log', async () => {
    await using web = await desk();
    const body = multipart([file('a', Buffer.alloc(100_000))]).subarray(0, 50_000);
    const socket = connect(web.port, '127.0.0.1');
    socket.write(`POST /desk HTTP/1.1\r\nHost: x\r\nContent-Type: ${headers['content-type']}\r\n`);
    socket.write(`Content-Length: 101000\r\n\r\n`);
    socket.write(body);
    while ((await leftIn(web)).length === 0) await delay(5);
    socket.destroy();
    await allGone(web);
    expect(web.warnings).toEqual([]);
  });
});

describe('a device without room', () => {
  it('takes no file that would leave less than a twentieth, or a megabyte', async () => {
    const room = { free: 0, total: 100 * 1024 * 1024 };
    await using web = await desk(undefined, { room: async () => room });
    const send = async () => (await post(web, multipart([file('a', 'A')]))).status;
    room.free = 5 * 1024 * 1024 + 10_000;
    expect(await send()).toBe(200);
    room.free = 5 * 1024 * 1024 - 1;
    expect(await send()).toBe(507);
    room.total = 4 * 1024 * 1024;
    room.free = 1024 * 1024;
    expect(await send()).toBe(507);
    await allGone(web);
  });

  it('says so when the room goes while a file comes', async () => {
    let asked = 0;
    const room = async () => ({ free: asked++ < 2 ? 2 ** 40 : 0, total: 2 ** 40 });
    await using web = await desk(undefined, { room });
    expect((await post(web, multipart([file('a', Buffer.alloc(4_000_000))]))).status).toBe(507);
    expect(asked).toBe(3);
    await allGone(web);
  });
});
