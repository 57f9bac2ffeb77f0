import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { WebWorld } from '../web-world.fixture.ts';
import { acceptedVariants } from './variants.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz';
/** One that is kept in memory, and one that is read from the disk. */
const files = { 'small.txt': letters, 'large.txt': letters.repeat(400) };

describe.each(['small', 'large'] as const)('a %s file', (name) => {
  const path = `/${name}.txt`;
  const text = files[`${name}.txt`];

  it('is sent in the parts that are asked for', async () => {
    await using web = await WebWorld.create({ files });
    const whole = await web.get(path);
    expect(whole).toMatchObject({ status: 200, text, headers: { 'accept-ranges': 'bytes' } });
    expect(await web.get(path, { range: 'bytes=2-4' })).toMatchObject({
      ...{ status: 206, text: 'cde' },
      headers: { 'content-range': `bytes 2-4/${text.length}`, 'content-length': '3' },
    });
    expect((await web.get(path, { range: 'bytes=-3' })).text).toBe('xyz');
    expect(await web.get(path, { range: `bytes=${text.length}-` })).toMatchObject({
      ...{ status: 416, headers: { 'content-range': `bytes */${text.length}` } },
    });
    expect(await web.get(path, { range: 'lines=1-2' })).toMatchObject({ status: 200, text });
    expect(await web.get(path, { range: 'bytes=2-4' }, 'HEAD')).toMatchObject({ status: 200, text: '' });
    const etag = String(whole.headers.etag);
    expect((await web.get(path, { range: 'bytes=0-0', 'if-range': etag })).text).toBe('a');
    expect((await web.get(path, { range: 'bytes=0-0', 'if-range': '"other"' })).text).toBe(text);
  });

  it('is not sent to who has it, nor to who wants another', async () => {
    await using web = await WebWorld.create({ files });
    const { etag, 'last-modified': modified } = (await web.get(path)).headers;
    const conditions: Record<string, string>[] = [
      { 'if-none-match': `"x", W/${etag}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': String(modified) },
    ];
    for (const condition of conditions) {
      expect(await web.get(path, condition)).toMatchObject({ status: 304, text: '', headers: { etag } });
    }
    expect((await web.get(path, { 'if-match': '"x"' })).status).toBe(412);
    const before = new Date(Date.parse(String(modified)) - 1000).toUTCString();
    expect((await web.get(path, { 'if-unmodified-since': before })).status).toBe(412);
    expect((await web.get(path, { 'if-modified-since': before })).text).toBe(text);
  });
});

describe('several parts of a file', () => {
  it.each(['/small.txt', '/large.txt'])('come in one message, each with its place (%s)', async (path) => {
    const long = letters.repeat(10);
    await using web = await WebWorld.create({ files: { ...files, 'small.txt': long } });
    const { status, headers, text } = await web.get(path, { range: 'bytes=0-1, 200-202' });
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(String(headers['content-type']))?.[1];
    expect([status, Number(headers['content-length'])]).toEqual([206, text.length]);
    const parts = text.split(`--${boundary}`).slice(1, -1);
    const size = path === '/small.txt' ? long.length : files['large.txt'].length;
    expect(parts).toEqual([
      `\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/${size}\r\n\r\nab\r\n`,
      `\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 200-202/${size}\r\n\r\nstu\r\n`,
    ]);
  });
});

describe('a file that lies compressed beside itself', () => {
  const packed = gzipSync('{}').toString('latin1');
  const routes = [{ match: '/plain/', trim: '/plain' }, { compressed: true }];
  const site = { 'a.json': '{}', 'b.json': '{ }', 'index.html': '<p>' };

  it('is sent so to who takes it, and as it is to others', async () => {
    await using web = await WebWorld.create({
      files: { ...site, 'a.json.gz': packed, 'a.json.br': 'br', 'index.html.gz': packed },
      web: { routes },
    });
    const asked = (accept: string, path = '/a.json') => web.get(path, { 'accept-encoding': accept });
    expect(await asked('gzip, br')).toMatchObject({
      text: 'br',
      headers: { 'content-encoding': 'br', 'content-type': 'application/json', vary: 'accept-encoding' },
    });
    expect((await asked('br;q=0.1, gzip')).headers['content-encoding']).toBe('gzip');
    expect(await asked('br;q=0')).toMatchObject({ text: '{}', headers: { vary: 'accept-encoding' } });
    expect((await asked('gzip', '/')).headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/html; charset=utf-8',
    });
    expect((await asked('gzip', '/b.json')).text).toBe('{ }');
    const etags = await Promise.all(['gzip', 'br', ''].map(async (each) => (await asked(each)).headers.etag));
    expect(new Set(etags).size).toBe(3);
    expect((await asked('gzip', '/plain/a.json')).text).toBe('{}');
  });

  it.each<[string | undefined, string[]]>([
    [undefined, []],
    ['', []],
    ['gzip', ['gzip']],
    ['x-gzip, deflate', ['gzip']],
    ['*', ['br', 'gzip']],
    ['*;q=0.5, gzip', ['gzip', 'br']],
    ['identity;q=1, *;q=0', []],
    ['br;q=2', []],
  ])('and is taken, of %j, as %j', (accept, encodings) => {
    expect(acceptedVariants(accept).map(({ encoding }) => encoding)).toEqual(encodings);
  });
});
