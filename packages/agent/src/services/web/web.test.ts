import { symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { listenAddresses, parseListenAddress } from '../../config-loading/listen-address.ts';
import { mayReadMetrics } from './metrics-door.ts';
import { ANSWER_LIFE } from './static-files/kept-answers.ts';
import { UNCLAIMED, WebWorld } from './web-world.fixture.ts';

describe('the page of an unclaimed device', () => {
  it('shows its name, status, claim ID and a QR code', async () => {
    await using web = await WebWorld.create();
    const { status, text, headers } = await web.get('/');
    expect(status).toBe(200);
    expect(text).toContain('JT08F-FQXWQ');
    expect(text).toContain('<svg');
    expect(text).toContain('waiting to be claimed');
    expect(text).toContain('Lamp &#60;b&#62;');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('tells the status as JSON, too', async () => {
    await using web = await WebWorld.create();
    expect(JSON.parse((await web.get('/api/status')).text)).toMatchObject({
      id: 'JT08FFQXWQ',
      claimed: false,
    });
  });

  it('has the QR code for pages of the maker, until it is claimed', async () => {
    await using web = await WebWorld.create();
    const { status, headers, text } = await web.get('/api/claim.svg');
    expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml']);
    expect(text).toMatch(/^<svg/);
    expect((await web.get('/api/claim.svg', { host: 'evil.example' })).status).toBe(404);
    web.status = { ...UNCLAIMED, claimed: true, phase: 'ready' };
    expect((await web.get('/api/claim.svg')).status).toBe(404);
  });

  it('keeps its claim ID from a website that points its name at the device', async () => {
    await using web = await WebWorld.create();
    for (const path of ['/', '/api/status']) {
      const { status, text } = await web.get(path, { host: 'evil.example:8080' });
      expect([path, status]).toEqual([path, 200]);
      expect(text.replaceAll(/[^0-9A-Za-z]/g, '')).not.toContain('JT08FFQXWQ');
      expect((await web.get(path, { host: 'lamp.local' })).text.replaceAll('-', '')).toContain('JT08FFQXWQ');
    }
  });

  it('shows the claim ID no more once the device is claimed', async () => {
    await using web = await WebWorld.create();
    web.status = { ...UNCLAIMED, claimed: true, phase: 'ready' };
    expect((await web.get('/')).text).not.toContain('JT08F');
    expect((await web.get('/')).text).not.toContain('<svg');
    expect((await web.get('/api/status')).text).not.toContain('JT08F');
  });
});

describe('the files of @site', () => {
  it('are served with their types, index.html for a directory', async () => {
    await using web = await WebWorld.create({
      files: { 'index.html': '<p>home', 'app.js': '1', 'sub/index.html': 'sub' },
    });
    expect(await web.get('/')).toMatchObject({
      text: '<p>home',
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
    expect((await web.get('/app.js?v=1')).headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await web.get('/sub/')).text).toBe('sub');
    expect(await web.get('/sub')).toMatchObject({ status: 301, headers: { location: '/sub/' } });
    expect((await web.get('/missing')).status).toBe(404);
  });

  it('are not sent again while they are the same, and are within a second of their change', async () => {
    const clock = new VirtualClock();
    await using web = await WebWorld.create({ files: { 'a.txt': 'one' }, clock });
    const { etag } = (await web.get('/a.txt')).headers;
    expect(await web.get('/a.txt', { 'if-none-match': String(etag) })).toMatchObject({
      status: 304,
      text: '',
    });
    await writeFile(web.directory.at('site', 'a.txt'), 'two!');
    await clock.advance(ANSWER_LIFE);
    expect(await web.get('/a.txt')).toMatchObject({ status: 200, text: 'two!' });
    expect(await web.get('/a.txt', { 'if-none-match': String(etag) })).toMatchObject({
      status: 200,
      text: 'two!',
    });
  });

  it('are streamed when they are large', async () => {
    await using web = await WebWorld.create({ files: { 'big.bin': 'x'.repeat(700_000) } });
    const { text, headers } = await web.get('/big.bin');
    expect([text.length, headers['content-length']]).toEqual([700_000, '700000']);
    expect(await web.get('/big.bin', {}, 'HEAD')).toMatchObject({ status: 200, text: '' });
  });

  it('are all that can be reached: no dots, no links outward, no hidden files', async () => {
    await using web = await WebWorld.create({ files: { '.secret': 'no', 'ok.txt': 'ok' } });
    await writeFile(web.directory.at('outside.txt'), 'no');
    await symlink(web.directory.at('outside.txt'), web.directory.at('site', 'link.txt'));
    for (const path of [
      '/../outside.txt',
      '/%2e%2e/outside.txt',
      '/..%2foutside.txt',
      '/sub/..%5c..%5coutside.txt',
      '/link.txt',
      '/.secret',
      '/ok.txt%00',
      '/%zz',
      '//etc/passwd',
      '//sub',
    ]) {
      expect((await web.get(path)).status, path).toBe(404);
    }
    expect((await web.get('/ok.txt')).text).toBe('ok');
  });
});

describe('the figures of the agent', () => {
  it('are for programs on the device, and not for a website that points its name at it', async () => {
    await using web = await WebWorld.create();
    const { status, text, headers } = await web.get('/metrics');
    expect([status, text]).toEqual([200, 'ioto_uptime_seconds 1\n']);
    expect(headers['content-type']).toContain('version=0.0.4');
    expect((await web.get('/metrics', { host: 'mydevice.local' })).status).toBe(200);
    for (const host of ['evil.example:8080', 'local.evil.example', '127.0.0.1.evil.example'])
      expect((await web.get('/metrics', { host })).status, host).toBe(404);
  });

  it('are for everybody, or nobody, where the file says so', async () => {
    await using open = await WebWorld.create({ web: { metrics: 'all' } });
    expect((await open.get('/metrics', { host: 'lamp.example' })).status).toBe(200);
    await using shut = await WebWorld.create({ web: { metrics: 'off' } });
    expect((await shut.get('/metrics')).status).toBe(404);
  });

  it('are not for others by default, whatever name they use', () => {
    const request = (remoteAddress: string, host?: string) =>
      ({ socket: { remoteAddress }, headers: { host } }) as IncomingMessage;
    expect(mayReadMetrics('loopback', request('192.168.1.9', 'localhost'))).toBe(false);
    expect(mayReadMetrics('loopback', request('::ffff:127.0.0.1', '127.0.0.1:8080'))).toBe(true);
    expect(mayReadMetrics('loopback', request('::1', '[::1]:8080'))).toBe(true);
    expect(mayReadMetrics('all', request('192.168.1.9'))).toBe(true);
  });
});

describe('the web server', () => {
  it('answers nothing but GET, HEAD and OPTIONS', async () => {
    await using web = await WebWorld.create();
    const allow = 'GET, HEAD, OPTIONS';
    expect(await web.get('/', {}, 'POST')).toMatchObject({ status: 405, headers: { allow } });
    expect(await web.get('/', {}, 'OPTIONS')).toMatchObject({ status: 204, headers: { allow }, text: '' });
  });

  it('refuses oversized headers', async () => {
    await using web = await WebWorld.create();
    expect((await web.get('/', { 'x-long': 'x'.repeat(11_000) })).status).toBe(431);
  });
});

describe('listen addresses', () => {
  it('are read in every form of the contract', () => {
    const forms: [string, string | undefined, number, boolean][] = [
      ['http://127.0.0.1:8080', '127.0.0.1', 8080, false],
      ['http://:80', undefined, 80, false],
      [':8080', undefined, 8080, false],
      ['8080', undefined, 8080, false],
      ['localhost:1234', 'localhost', 1234, false],
      ['https://*:443', undefined, 443, true],
      ['http://[::1]:80', '::1', 80, false],
      ['http://device.local', 'device.local', 80, false],
    ];
    for (const [text, host, port, secure] of forms)
      expect(parseListenAddress(text)).toEqual({ host, port, secure });
  });

  it('are an error when they are none', () => {
    for (const text of ['', 'ftp://x:1', 'http://x:99999', 'a b:80', 'http://x:y']) {
      expect(() => parseListenAddress(text), text).toThrow(/is no address/);
    }
  });

  it('are `listen`, else the older `listens`, else loopback', () => {
    expect(listenAddresses({ listen: ':1', listens: ':2' })).toMatchObject([{ port: 1 }]);
    expect(listenAddresses({ listens: [':2', ':3'] })).toMatchObject([{ port: 2 }, { port: 3 }]);
    expect(listenAddresses({})).toMatchObject([{ host: '127.0.0.1' }]);
  });
});
