import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';

const methods = ['GET', 'PUT', 'DELETE'];

/** A device whose documents may be written. */
const open = (options: WebWorldOptions = {}) =>
  WebWorld.create({ files: { 'a.txt': 'a' }, web: { routes: [{ methods }] }, ...options });
const put = (web: WebWorld, path: string, body: string, headers: Record<string, string> = {}) =>
  web.send('PUT', path, { body, headers });

describe('a route of files whose methods name PUT and DELETE', () => {
  it('takes files, and is asked for them at once', async () => {
    await using web = await open({ clock: new VirtualClock() });
    expect(await put(web, '/sub/new.txt', 'new')).toMatchObject({ status: 201, text: '' });
    expect((await web.get('/sub/new.txt')).text).toBe('new');
    expect(await put(web, '/sub/new.txt', 'newer')).toMatchObject({ status: 204 });
    expect((await web.get('/sub/new.txt')).text).toBe('newer');
    expect((await web.get('/sub/new.txt', {}, 'DELETE')).status).toBe(204);
    expect((await web.get('/sub/new.txt')).status).toBe(404);
    expect((await web.get('/sub/new.txt', {}, 'DELETE')).status).toBe(404);
    expect(await readdir(web.directory.at('site', 'sub'))).toEqual([]);
    expect(await readdir(web.directory.at('tmp'))).toEqual([]);
  });

  it('leaves them readable for other programs of the device', async () => {
    await using web = await open();
    await put(web, '/b.txt', 'b');
    expect((await stat(web.directory.at('site', 'b.txt'))).mode & 0o777).toBe(0o644);
  });

  it('heeds the conditions of the request', async () => {
    await using web = await open();
    const { etag = '' } = (await web.get('/a.txt')).headers;
    expect((await put(web, '/a.txt', 'b', { 'if-none-match': '*' })).status).toBe(412);
    expect((await put(web, '/a.txt', 'b', { 'if-match': '"other"' })).status).toBe(412);
    expect((await put(web, '/new.txt', 'b', { 'if-match': '*' })).status).toBe(412);
    expect((await web.get('/a.txt', { 'if-match': '"other"' }, 'DELETE')).status).toBe(412);
    expect((await put(web, '/a.txt', 'b', { 'if-match': etag })).status).toBe(204);
    expect((await put(web, '/a.txt', 'c', { 'if-match': etag })).status).toBe(412);
    expect((await web.get('/a.txt')).text).toBe('b');
  });

  it('lets one of two that change the same file win', async () => {
    await using web = await open();
    const { etag = '' } = (await web.get('/a.txt')).headers;
    const answers = await Promise.all(
      ['b', 'c', 'd'].map((body) => put(web, '/a.txt', body, { 'if-match': etag })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 412, 412]);
  });

  it.each([
    ['a part of a file', '/a.txt', { 'content-range': 'bytes 0-1/3' }, 400],
    ['a compressed body', '/a.txt', { 'content-encoding': 'gzip' }, 415],
    ['a directory', '/sub', {}, 409],
    ['a path that ends in a slash', '/sub/', {}, 409],
    ['a directory that is not there', '/none/a.txt', {}, 409],
    ['a file for a directory', '/a.txt/b.txt', {}, 409],
    ['a name that hides', '/.htaccess', {}, 404],
    ['a path out of the documents', '/../a.txt', {}, 404],
    ['an encoded path out of them', '/%2e%2e/a.txt', {}, 404],
    ['a file that is too large', '/a.txt', { 'content-length': '5000' }, 413],
  ])('refuses %s, and changes nothing', async (_what, path, headers, status) => {
    await using web = await open({ web: { routes: [{ methods }], limits: { upload: 4000 } } });
    const body = 'x'.repeat(Number((headers as Record<string, string>)['content-length'] ?? 3));
    expect((await put(web, path, body, headers)).status).toBe(status);
    expect(await readdir(web.directory.path)).toEqual(['site']);
    expect(await readdir(web.directory.at('site'))).toEqual(['a.txt', 'sub']);
    expect(await web.directory.read('site', 'a.txt')).toBe('a');
  });

  it('removes no directory', async () => {
    await using web = await open();
    for (const path of ['/sub', '/sub/', '/']) expect((await web.get(path, {}, 'DELETE')).status).toBe(409);
  });

  it('follows no link out of the documents', async () => {
    await using web = await open();
    const outside = web.directory.at('outside');
    await mkdir(outside);
    await writeFile(web.directory.at('outside', 'a.txt'), 'mine');
    await symlink(outside, web.directory.at('site', 'way'));
    await symlink(web.directory.at('outside', 'a.txt'), web.directory.at('site', 'link.txt'));
    expect((await put(web, '/way/a.txt', 'x')).status).toBe(409);
    expect((await web.get('/way/a.txt', {}, 'DELETE')).status).toBe(409);
    expect((await put(web, '/way', 'x')).status).toBe(409);
    expect((await web.get('/link.txt', {}, 'DELETE')).status).toBe(404);
    expect(await readlink(web.directory.at('site', 'link.txt'))).toContain('outside');
    // The link itself gives way, what it led to stays.
    expect((await put(web, '/link.txt', 'x')).status).toBe(204);
    expect(await readFile(web.directory.at('outside', 'a.txt'), 'utf8')).toBe('mine');
    expect(await readdir(outside)).toEqual(['a.txt']);
  });

  it('is warned of at the start, where it asks for no role', async () => {
    await using open_ = await open();
    expect(open_.warnings).toHaveLength(1);
    await using closed = await open({ web: { routes: [{ methods, role: 'admin' }] } });
    expect(closed.warnings).toEqual([]);
  });

  it('is the only one that takes any', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' } });
    expect((await put(web, '/a.txt', 'b')).status).toBe(405);
    expect((await web.get('/a.txt', {}, 'DELETE')).status).toBe(405);
  });
});
