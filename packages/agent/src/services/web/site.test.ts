import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { WebWorld } from './web-world.fixture.ts';

const files = { 'index.html': 'home', 'a.css': 'a', 'sub/x.html': 'x' };

describe('what web.json5 says of the site', () => {
  it('is who answers which path with which methods, and how long browsers keep it', async () => {
    const routes = [
      { match: '/old/', redirect: '/sub/' },
      { match: '/pages/', trim: '/pages', methods: ['GET'] },
      { match: '', cache: { maxAge: '1 hr', extensions: ['css'] } },
    ];
    await using web = await WebWorld.create({ files, web: { routes } });
    expect(await web.get('/old/a')).toMatchObject({ status: 302, headers: { location: '/sub/' } });
    expect((await web.get('/pages/sub/x.html')).text).toBe('x');
    expect(await web.get('/pages/sub/x.html', {}, 'OPTIONS')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
    for (const asked of [1, 2]) {
      expect((await web.get('/a.css')).headers['cache-control'], String(asked)).toBe('max-age=3600');
      expect((await web.get('/')).headers['cache-control'], String(asked)).toBe('no-cache');
    }
  });

  it('are headers in place of ours, types and the page of a directory', async () => {
    const own = { 'X-Frame-Options': 'SAMEORIGIN', 'Referrer-Policy': '', 'Permissions-Policy': 'camera=()' };
    await using web = await WebWorld.create({
      files: { 'start.html': 'start', 'b.lamp': 'b' },
      web: { headers: own, mime: { lamp: 'text/x-lamp' }, index: 'start.html' },
    });
    const { headers, text } = await web.get('/');
    expect(text).toBe('start');
    expect(headers).toMatchObject({ 'x-frame-options': 'SAMEORIGIN', 'permissions-policy': 'camera=()' });
    expect(headers).not.toHaveProperty('referrer-policy');
    expect((await web.get('/missing')).headers['x-frame-options']).toBe('SAMEORIGIN');
    expect((await web.get('/b.lamp')).headers['content-type']).toBe('text/x-lamp');
  });

  it('are redirects before everything else', async () => {
    const redirect = [
      { from: '/', to: '/sub/x.html?first', status: 307 },
      { from: 'http', to: 'https://:8443' },
    ];
    await using web = await WebWorld.create({ files, web: { redirect } });
    const host = 'lamp.local:80';
    expect(await web.get('/', { host })).toMatchObject({
      status: 307,
      headers: { location: 'http://lamp.local/sub/x.html?first' },
    });
    expect((await web.get('/a?b', { host })).headers.location).toBe('https://lamp.local:8443/a?b');
  });

  it('keeps the query where a directory gets its slash', async () => {
    await using web = await WebWorld.create({ files });
    expect((await web.get('/sub?a=1')).headers.location).toBe('/sub/?a=1');
  });

  it.each([
    [{ headers: { 'Content-Length': '1' } }, 'web.headers.Content-Length'],
    [{ headers: { 'a b': '1' } }, 'web.headers.a b'],
    [{ headers: { 'x-a': 'a\r\nb: c' } }, 'web.headers'],
    [{ mime: { a: 'no type' } }, 'web.mime'],
    [{ index: '../x' }, 'web.index'],
    [{ routes: [{ match: 'x' }] }, 'web.routes.0.match'],
    [{ redirect: [{ to: '/x' }] }, 'web.redirect.0.to'],
    [{ redirect: [{ from: '/y', to: '/x', status: 200 }] }, 'web.redirect.0.status'],
    [{ limits: { headers: 'many' } }, 'web.limits.headers'],
    [{ timeouts: { parse: 'soon' } }, 'web.timeouts.parse'],
  ])('%j is an error that names its place', async (web, where) => {
    await expect(WebWorld.create({ web })).rejects.toThrow(where);
  });

  it('serves no file that grows or shrinks while it is asked for as something that it is not', async () => {
    await using web = await WebWorld.create({ files: { 'big.bin': 'x'.repeat(20_000) } });
    const { etag } = (await web.get('/big.bin')).headers;
    expect((await web.get('/big.bin', { 'if-none-match': String(etag) })).status).toBe(304);
    await writeFile(web.directory.at('site', 'big.bin'), 'y'.repeat(30_000));
    expect((await web.get('/big.bin', { 'if-none-match': String(etag) })).text).toBe('y'.repeat(30_000));
  });
});

describe('documents that are not there', () => {
  it('are warned of where web.json5 names them, and the device shows its own page', async () => {
    await using web = await WebWorld.create({ web: { documents: '/nowhere/at/all' } });
    expect((await web.get('/')).text).toContain('JT08F-FQXWQ');
    expect(web.warnings).toContainEqual(expect.stringContaining('the documents of web.json5 are not there'));
    await using usual = await WebWorld.create();
    expect(usual.warnings).toEqual([]);
  });
});
