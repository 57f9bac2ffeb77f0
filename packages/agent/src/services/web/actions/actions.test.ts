import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { CodedError } from '@ioto/runtime';
import { until, VirtualClock } from '@ioto/testkit';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { describe, expect, it } from 'vitest';
import type { ActionContext, ActionHandler, ActionOptions } from '../web-api.ts';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';

/** A server with one action at /api/. */
async function withAction(
  handler: ActionHandler,
  options: WebWorldOptions & { action?: ActionOptions } = {},
): Promise<WebWorld> {
  const world = await WebWorld.create(options);
  world.actions.add({ path: '/api/', options: options.action ?? {}, handler });
  return world;
}

const GET = 'GET /api/x HTTP/1.1\r\nHost: x\r\n';
const FAILED = JSON.stringify({ error: { code: 'WEB_FAILED', message: 'something went wrong' } });

async function exchange({ port }: WebWorld, bytes: string, patience = 250): Promise<string> {
  return (await sendRaw({ port }, { writes: [bytes], patience })).received.toString('latin1');
}

describe('what an action returns', () => {
  it('is sent as JSON, with the headers of every answer, and is kept by nobody', async () => {
    await using web = await withAction(
      ({ path, rest, method, query }) => ({ path, rest, method, a: query.get('a') }),
      {
        web: { headers: { 'Permissions-Policy': 'camera=()' } },
      },
    );
    const { status, headers, text } = await web.get('/api/l%C3%A4mp?a=%20');
    expect(JSON.parse(text)).toEqual({ path: '/api/lämp', rest: 'lämp', method: 'GET', a: ' ' });
    expect({ status, ...headers }).toMatchObject({
      status: 200,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'permissions-policy': 'camera=()',
    });
  });

  it('may be awaited, be nothing, and has a status and headers of its own', async () => {
    await using web = await withAction(async (asked) => {
      if (asked.rest === 'nothing') return undefined;
      if (asked.rest === 'later') return void asked.status(202);
      asked.status(201).set('X-Frame-Options', 'SAMEORIGIN').set('Cache-Control', 'max-age=1');
      return asked.set('set-cookie', ['a=1', 'b=2']).set('Content-Type', 'text/x').rest === 'null'
        ? null
        : 'ok';
    });
    expect(await web.get('/api/nothing')).toMatchObject({ status: 204, text: '' });
    expect((await web.get('/api/nothing')).headers).not.toHaveProperty('content-length');
    expect(await web.get('/api/later')).toMatchObject({ status: 202, headers: { 'content-length': '0' } });
    expect((await web.get('/api/null')).text).toBe('null');
    expect(await web.get('/api/x')).toMatchObject({
      ...{ status: 201, text: '"ok"' },
      headers: {
        'x-frame-options': 'SAMEORIGIN',
        'cache-control': 'max-age=1',
        'content-type': 'text/x',
        'set-cookie': ['a=1', 'b=2'],
      },
    });
  });

  it('goes without a body where only the head is asked for', async () => {
    await using web = await withAction(() => ({ a: 1 }));
    web.actions.add({ path: '/write', options: {}, handler: (asked) => asked.write('abc') });
    web.actions.add({ path: '/send', options: {}, handler: (asked) => asked.send(Readable.from(['abc'])) });
    expect(await web.get('/api/json', {}, 'HEAD')).toMatchObject({
      text: '',
      headers: { 'content-length': '7' },
    });
    for (const path of ['/write', '/send']) {
      const said = await exchange(
        web,
        `HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\nGET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect(said.match(/abc/g), path).toHaveLength(1);
    }
  });

  it.each([
    ['a header with a line break', (asked: ActionContext) => asked.set('x-a', 'b\r\nset-cookie: c=d')],
    ['a header of no name', (asked: ActionContext) => asked.set('x a', 'b')],
    ['the length', (asked: ActionContext) => asked.set('Content-Length', '1')],
    ['how the message ends', (asked: ActionContext) => asked.set('transfer-encoding', 'chunked')],
    ['a status that is none', (asked: ActionContext) => asked.status(99)],
    ['a place with a line break', (asked: ActionContext) => asked.redirect('/a\r\nx: y')],
    ['a redirect that is none', (asked: ActionContext) => asked.redirect('/a', 200)],
    ['what is no JSON', () => () => 1],
  ])('is not %s', async (_what, handler) => {
    await using web = await withAction(handler);
    const { status, headers, text } = await web.get('/api/x');
    expect([status, text]).toEqual([500, FAILED]);
    expect(headers).not.toHaveProperty('set-cookie');
    expect(web.warnings).toHaveLength(1);
  });

  it('is another place, also after a form was sent', async () => {
    await using web = await WebWorld.create();
    web.actions.add({ path: '/go', options: {}, handler: (asked) => asked.redirect('/läuft?a=1') });
    expect(await web.get('/go')).toMatchObject({ status: 302, headers: { location: '/l%C3%A4uft?a=1' } });
    expect(await web.get('/go', {}, 'POST')).toMatchObject({ status: 303 });
  });
});

describe('an action that fails', () => {
  it('tells the client what is meant for it, and nothing else', async () => {
    await using web = await withAction(async ({ rest }) => {
      if (rest === 'told') throw new CodedError('LAMP_BROKEN', 'the lamp is broken', { status: 409 });
      throw new Error('secret');
    });
    const told = await web.get('/api/told');
    expect([told.status, JSON.parse(told.text)]).toEqual([
      409,
      { error: { code: 'LAMP_BROKEN', message: 'the lamp is broken' } },
    ]);
    expect(web.warnings).toEqual([]);
    expect(await web.get('/api/x')).toMatchObject({ status: 500, text: FAILED });
    expect(web.warnings.join()).toContain('secret');
  });

  it('in the middle of its answer leaves the client with an answer that has no end', async () => {
    await using web = await withAction(async (asked) => {
      await asked.write('half');
      throw new Error('broken');
    });
    await expect(web.get('/api/x')).rejects.toThrow(/aborted|hang up/);
    expect(web.warnings.join()).toContain('broken');
  });

  it('may leave a promise of ours alone, and the process goes on', async () => {
    let left: Promise<void> | undefined;
    await using web = await withAction((asked) => {
      left = asked.send(Readable.from(failing()));
    });
    expect((await web.get('/api/x').catch(() => ({ status: 0 }))).status).not.toBe(200);
    await expect(left).rejects.toThrow('source');

    async function* failing() {
      yield* [];
      throw new Error('source');
    }
  });

  it('and never answers is ended when its time is over', async () => {
    const clock = new VirtualClock();
    let signal: AbortSignal | undefined;
    await using web = await withAction(
      async (asked) => {
        ({ signal } = asked);
        await new Promise((resolve) => asked.signal.addEventListener('abort', resolve));
        return 'late';
      },
      { clock, web: { timeouts: { request: '5 secs' } } },
    );
    const answer = web.get('/api/x');
    await until('it was asked', () => signal);
    await clock.advance(5000);
    expect(await answer).toMatchObject({ status: 503, headers: { connection: 'close' } });
    expect(signal?.aborted).toBe(true);
    expect(web.warnings.join()).toContain('timeouts.request');
    expect(clock.pending).toBe(0);
  });
});

describe('an answer in pieces', () => {
  it('comes as they are written, and ends with the handler', async () => {
    await using web = await withAction(async (asked) => {
      await asked.write('a');
      await asked.write(Buffer.from('b'));
      if (asked.rest === 'sent') await asked.send(Readable.from(['c', 'd']));
    });
    expect(await web.get('/api/x')).toMatchObject({
      text: 'ab',
      headers: { 'content-type': 'text/plain; charset=utf-8', 'transfer-encoding': 'chunked' },
    });
    expect((await web.get('/api/sent')).text).toBe('abcd');
  });

  it('may be a stream, a text or bytes', async () => {
    await using web = await withAction((asked) => {
      if (asked.rest === 'text') return asked.send('<p>', 'text/html; charset=utf-8');
      if (asked.rest === 'bytes') return asked.send(Buffer.from([1, 2]));
      return asked.send(Readable.from([Buffer.from('a'), Buffer.from('b')]), 'text/csv');
    });
    expect((await web.get('/api/text')).headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': '3',
    });
    expect((await web.get('/api/bytes')).headers).toMatchObject({
      'content-type': 'application/octet-stream',
    });
    expect(await web.get('/api/stream')).toMatchObject({
      text: 'ab',
      headers: { 'content-type': 'text/csv' },
    });
  });

  it('that cannot be read from the beginning is a failure that is told', async () => {
    await using web = await withAction((asked) =>
      asked.send(
        new Readable({
          read() {
            this.destroy(new Error('no such file'));
          },
        }),
      ),
    );
    expect((await web.get('/api/x')).status).toBe(500);
  });

  it('waits for a client that reads slowly, and ends when it has gone', async () => {
    let written = 0;
    let ended: unknown;
    let signal: AbortSignal | undefined;
    await using web = await withAction(async (asked) => {
      ({ signal } = asked);
      try {
        for (;;) {
          await asked.write(Buffer.alloc(65_536));
          written += 65_536;
        }
      } catch (error) {
        ended = error;
        throw error;
      }
    });
    const socket = connect(web.port, '127.0.0.1', () => socket.write(`${GET}\r\n`)).pause();
    let before = -1;
    await until(
      'it waits',
      () => {
        const rests = written > 0 && written === before;
        before = written;
        return rests;
      },
      { every: 50 },
    );
    // What the kernel takes, and what the server keeps.
    expect(written).toBeLessThan(16_000_000);
    expect(signal?.aborted).toBe(false);
    socket.destroy();
    await until('it ended', () => ended);
    expect(ended).toMatchObject({ code: 'WEB_GONE' });
    expect(signal?.aborted).toBe(true);
    expect(web.warnings).toEqual([]);
  });

  it('takes no status and no headers any more', async () => {
    const errors: unknown[] = [];
    await using web = await withAction(async (asked) => {
      await asked.write('a');
      for (const late of [
        () => asked.status(201),
        () => asked.set('x-a', 'b'),
        () => asked.session,
        () => asked.signIn('ann', 'user'),
        () => asked.redirect('/'),
        () => asked.events(),
      ]) {
        try {
          late();
        } catch (error) {
          errors.push((error as CodedError).code);
        }
      }
    });
    expect((await web.get('/api/x')).text).toBe('a');
    expect(errors).toEqual(Array(6).fill('WEB_ANSWERED'));
  });
});

describe('a body that an action leaves unread', () => {
  it('is not taken for the next request', async () => {
    await using web = await withAction(() => 'ok', { web: { limits: { body: 1000 } } });
    const post = (length: number) => `POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
    const small = await exchange(web, `${post(40 + GET.length)}${GET}${' '.repeat(40)}${GET}\r\n`);
    expect(small.match(/HTTP\/1.1 200/g)).toHaveLength(2);
    const large = await exchange(web, `${post(1001)}${GET}\r\n`);
    expect(large).toMatch(/Connection: close/i);
    expect(large.match(/HTTP\/1.1/g)).toHaveLength(1);
  });
});

describe('the session of an action', () => {
  it('begins when it is asked for, and holds what was put into it', async () => {
    await using web = await withAction(({ session }) => session.get('n'));
    web.actions.add({
      path: '/count',
      options: {},
      handler: ({ session }) => {
        session.set('n', Number(session.get('n') ?? 0) + 1);
        return session.get('n');
      },
    });
    web.actions.add({ path: '/none', options: {}, handler: () => 1 });
    expect((await web.get('/none')).headers).not.toHaveProperty('set-cookie');
    const first = await web.get('/count');
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^-web-session-=[\w-]{22}; Path=\/; HttpOnly/);
    const second = await web.get('/count', { cookie: cookie.split(';')[0] ?? '' });
    expect([first.text, second.text, second.headers['set-cookie']]).toEqual(['1', '2', undefined]);
  });

  it('is refused when there are too many, and when there are none', async () => {
    await using full = await withAction(({ session }) => session.xsrf, {
      web: { limits: { sessions: '0' } },
    });
    expect(await full.get('/api/x')).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    await using off = await withAction(({ session }) => session.xsrf, {
      web: { sessions: { enable: false } },
    });
    expect((await off.get('/api/x')).status).toBe(500);
    expect(off.warnings.join()).toContain('sessions.enable');
  });

  it('goes along when the program signs somebody in, under another ID', async () => {
    await using web = await withAction((asked) => {
      asked.session.set('cart', 1);
      asked.signIn('ann', 'admin');
      return [asked.username, asked.role, asked.may('user'), asked.may('owner'), asked.session.get('cart')];
    });
    const { text, headers } = await web.get('/api/x');
    expect(JSON.parse(text)).toEqual(['ann', 'admin', true, false, 1]);
    expect(headers['set-cookie']).toHaveLength(1);
    web.actions.add({ path: '/out', options: {}, handler: (asked) => void asked.signOut() });
    expect((await web.get('/out')).headers['set-cookie']?.join()).toContain('Max-Age=0');
    web.actions.add({ path: '/in', options: {}, handler: (asked) => asked.signIn('ann', 'king') });
    expect((await web.get('/in')).status).toBe(500);
  });
});

describe('an action that nobody can reach', () => {
  it('is warned of when the service starts', async () => {
    const routes = [
      { match: '/api/', handler: 'action' },
      { match: '/files/', handler: 'file' },
    ];
    await using web = await WebWorld.create({
      web: { routes },
      prepare: ({ actions }) => {
        for (const path of ['/api/a', '/files/b', '/c']) actions.add({ path, options: {}, handler: () => 1 });
        actions.add({ path: '/api/king', options: { role: 'king' }, handler: () => 1 });
      },
    });
    expect(web.warnings).toHaveLength(2);
    expect(web.warnings[0]).toContain('"/files/b"');
    expect(web.warnings[1]).toContain('"king"');
  });
});

it('a socket that is asked for without one says what it wants', async () => {
  await using web = await WebWorld.create();
  web.actions.add({ path: '/live', options: {}, socket: () => undefined });
  expect(await web.get('/live')).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } });
});
