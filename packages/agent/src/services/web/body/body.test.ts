import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { VirtualClock } from '@ioto/testkit';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { describe, expect, it } from 'vitest';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';
import type { Body } from './body.ts';

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const POST = (more = '') => `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}`;
const GET = 'GET /echo HTTP/1.1\r\nHost: x\r\n\r\n';

/** A device with an action that answers with what it read. */
async function echo(read: (body: Body) => unknown, options: WebWorldOptions = {}): Promise<WebWorld> {
  const web = await WebWorld.create(options);
  const handler = (action: { method: string; body: Body }) =>
    action.body.type === '' ? 'nothing' : read(action.body);
  web.actions.add({ path: '/echo', options: {}, handler: handler as never });
  return web;
}

async function exchange({ port }: WebWorld, ...writes: (string | Buffer)[]) {
  const { received, end } = await sendRaw({ port }, { writes, pause: 20, patience: 250 });
  const text = received.toString('latin1');
  return { text, end, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code)) };
}

describe('a body that an action reads', () => {
  it('is JSON, a form, a text or bytes, as often as it is asked for', async () => {
    await using web = await echo(async (body) => ({
      form: body.type.endsWith('urlencoded') ? [...(await body.form())] : null,
      json: body.type.endsWith('json') ? await body.json() : null,
      text: await body.text(),
      bytes: (await body.bytes()).length,
    }));
    const said = async (headers: Record<string, string>, body: string) =>
      JSON.parse((await web.send('POST', '/echo', { headers, body })).text);
    expect(await said({ 'content-type': 'Application/JSON; charset="UTF-8"' }, '{"a":[1]}')).toEqual({
      ...{ form: null, json: { a: [1] }, text: '{"a":[1]}', bytes: 9 },
    });
    expect(await said({ 'content-type': 'application/merge-patch+json' }, '1')).toMatchObject({ json: 1 });
    expect((await said(form, 'a=1&b=%C3%BC+x&a=2')).form).toEqual([
      ['a', '1'],
      ['b', 'ü x'],
      ['a', '2'],
    ]);
    expect(await said({ 'content-type': 'text/plain' }, 'ü')).toMatchObject({ text: 'ü', bytes: 2 });
  });

  it.each([
    ['JSON that is none', json, '{"a":', 400, 'WEB_BODY_SYNTAX'],
    ['a form called JSON', json, 'a=1', 400, 'WEB_BODY_SYNTAX'],
    ['JSON called a form', { 'content-type': 'text/json' }, '{}', 415, 'WEB_BODY_TYPE'],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }, '{}', 415, 'WEB_BODY_TYPE'],
    ['a compressed one', { ...json, 'content-encoding': 'gzip' }, '{}', 415, 'WEB_BODY_TYPE'],
    ['no UTF-8', json, Buffer.from([0x22, 0xff, 0x22]), 400, 'WEB_BODY_SYNTAX'],
    ['65 levels', json, `${'['.repeat(65)}${']'.repeat(65)}`, 400, 'WEB_BODY_SYNTAX'],
    ['a __proto__', json, '{"a":[{"__\\u0070roto__":{"isAdmin":true}}]}', 400, 'WEB_BODY_SYNTAX'],
  ])('is refused where it is %s', async (_what, headers, body, status, code) => {
    await using web = await echo((body) => body.json());
    const answer = await web.send('POST', '/echo', { headers, body });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
  });

  it('may go 64 levels deep, and have 1000 fields', async () => {
    await using web = await echo(async (body) =>
      body.type.endsWith('json') ? [await body.json()].length : (await body.form()).size,
    );
    const deep = `${'['.repeat(64)}${']'.repeat(64)}`;
    expect((await web.send('POST', '/echo', { headers: json, body: deep })).text).toBe('1');
    const fields = (count: number) => ({ headers: form, body: 'a=1&'.repeat(count) });
    expect((await web.send('POST', '/echo', fields(1000))).text).toBe('1000');
    expect((await web.send('POST', '/echo', fields(1001))).status).toBe(413);
  });

  it('may ask for another method or another content type in no header but their own', async () => {
    await using web = await echo((body) => body.text());
    const headers = { ...json, 'x-http-method-override': 'DELETE' };
    expect((await web.send('POST', '/echo', { headers, body: '{}' })).text).toBe('"{}"');
    const two = await exchange(
      web,
      `${POST('Content-Type: text/plain\r\nContent-Length: 2\r\n')}\r\n{}${GET}`,
    );
    expect(two.statuses).toEqual([400]);
  });
});

describe('a body that is too large', () => {
  const limits = { limits: { body: 10 } };

  it('is refused before it is read, where it says so, and is no further request', async () => {
    await using web = await echo((body) => body.json(), { web: limits });
    const said = await exchange(web, `${POST('Content-Length: 100\r\n')}\r\n`, GET);
    expect(said).toMatchObject({ statuses: [413], end: 'closed' });
    expect(said.text).toContain('the body may have 10 bytes');
  });

  it('is refused when it has come, where it does not', async () => {
    await using web = await echo((body) => body.json(), { web: limits });
    const said = await exchange(
      web,
      `${POST('Transfer-Encoding: chunked\r\n')}\r\n`,
      'b\r\n[1,2,3,4,5]\r\n',
      GET,
    );
    expect(said).toMatchObject({ statuses: [413], end: 'closed' });
  });

  it('is not asked for', async () => {
    await using web = await echo((body) => body.json(), { web: limits });
    const asked = (length: number) => `${POST(`Expect: 100-continue\r\nContent-Length: ${length}\r\n`)}\r\n`;
    expect((await exchange(web, asked(100))).statuses).toEqual([413]);
    expect((await exchange(web, asked(3), '[1]')).statuses).toEqual([100, 200]);
  });

  it('ends the connection where nobody reads it', async () => {
    await using web = await echo(() => 'unread', { web: limits });
    const unread = await exchange(web, `${POST('Content-Length: 3\r\n')}\r\n[1]${GET}`);
    expect(unread.statuses).toEqual([200, 200]);
    for (const more of [
      'Content-Length: 100\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Expect: 100-continue\r\nContent-Length: 3\r\n',
    ]) {
      const said = await exchange(web, `${POST(more)}\r\n`, GET);
      expect([more, said.statuses, said.end]).toEqual([more, [200], 'closed']);
    }
  });
});

describe('a client that sends its body slowly', () => {
  const pace = { timeouts: { body: '10 secs' } };

  it('is told so, and is gone', async () => {
    const clock = new VirtualClock();
    await using web = await echo((body) => body.json(), { clock, web: pace });
    const { pending } = clock;
    const answer = exchange(web, `${POST('Content-Length: 100\r\n')}\r\n[`);
    while (clock.pending === pending) await delay(5);
    await clock.advance(15_000);
    expect(await answer).toMatchObject({ statuses: [408], end: 'closed' });
    expect(web.warnings).toEqual([]);
  });

  it('is waited for as long as 30k come in the time that it has', async () => {
    const clock = new VirtualClock();
    await using web = await echo(async (body) => (await body.bytes()).length, { clock, web: pace });
    const socket = connect(web.port, '127.0.0.1');
    let said = '';
    socket.on('data', (data) => {
      said += data;
    });
    const { pending } = clock;
    socket.write(`${POST('Content-Length: 80000\r\n')}\r\n`);
    while (clock.pending === pending) await delay(5);
    for (let sent = 0; sent < 10; sent += 1) {
      socket.write(Buffer.alloc(8000));
      await delay(10);
      await clock.advance(2500);
    }
    while (!said.includes('\r\n\r\n80000')) await delay(5);
    socket.destroy();
    expect(said).toContain(' 200 ');
  });

  it('or goes before its end, costs nobody a word in the log', async () => {
    let failure: unknown;
    await using web = await echo(async (body) => {
      await body.json().catch((error) => {
        failure = error;
        throw error;
      });
    });
    const socket = connect(web.port, '127.0.0.1', () => {
      socket.write(`${POST('Content-Length: 100\r\n')}\r\n[1,`);
      setTimeout(() => socket.destroy(), 30);
    });
    while (failure === undefined) await delay(5);
    await delay(10);
    expect(web.warnings).toEqual([]);
    expect((await web.get('/echo')).text).toBe('"nothing"');
  });
});
