import { connect, type Socket } from 'node:net';
import { until, VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import type { EventStream } from '../web-api.ts';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';
import { formatEvent } from './event-format.ts';

describe('an event on the wire', () => {
  it.each([
    [{ data: 'a' }, 'data: a\n\n'],
    [{ data: { a: 'x\ny' } }, 'data: {"a":"x\\ny"}\n\n'],
    [{ data: 'a\nb\r\nc\rd\n' }, 'data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n'],
    [{ event: 'lamp', id: '7', retry: 500, data: null }, 'retry: 500\nevent: lamp\nid: 7\ndata: null\n\n'],
    [{ retry: 0 }, 'retry: 0\n\n'],
  ])('is %j as %j', (event, text) => {
    expect(formatEvent(event)).toBe(text);
  });

  it.each([
    [{ event: 'a\ndata: b' }, 'event'],
    [{ id: 'a\rb' }, 'id'],
    [{ id: 'a\0b' }, 'id'],
    [{ retry: -1 }, 'retry'],
    [{ data: () => 1 }, 'data'],
  ])('is not %j', (event, what) => {
    expect(() => formatEvent(event)).toThrow(`the ${what} of an event`);
  });
});

/** A page that listens: everything it was told. */
class Listener {
  text = '';
  isClosed = false;
  readonly socket: Socket;

  constructor({ port }: WebWorld, headers = '', method = 'GET') {
    this.socket = connect(port, '127.0.0.1', () => {
      this.socket.write(`${method} /live HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    });
    this.socket.setEncoding('utf8').on('data', (piece: string) => {
      this.text += piece;
    });
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    this.socket.on('error', () => undefined);
  }

  hears(text: string): Promise<unknown> {
    return until(`it hears ${text}`, () => this.text.includes(text), { every: 2 });
  }
}

async function withEvents(options: WebWorldOptions = {}): Promise<{ web: WebWorld; streams: EventStream[] }> {
  const web = await WebWorld.create(options);
  const streams: EventStream[] = [];
  web.actions.add({ path: '/live', options: {}, handler: (asked) => void streams.push(asked.events()) });
  return { web, streams };
}

describe('a stream of events', () => {
  it('is told at once, lasts beyond the handler, and ends when it is closed', async () => {
    const { web, streams } = await withEvents();
    await using _ = web;
    const page = new Listener(web, 'Last-Event-ID: 41\r\n');
    await page.hears('content-type: text/event-stream');
    expect(page.text).toContain('cache-control: no-store');
    const [stream] = streams;
    expect([stream?.lastId, stream?.isOpen]).toEqual(['41', true]);
    expect(stream?.send({ id: '42', data: { on: true } })).toBe(true);
    await page.hears('id: 42\ndata: {"on":true}\n\n');
    let closed = 0;
    stream?.onClose(() => {
      closed += 1;
    });
    stream?.close();
    await page.hears('0\r\n\r\n');
    expect([closed, stream?.isOpen, stream?.send({ data: 1 })]).toEqual([1, false, false]);
    page.socket.destroy();
  });

  it('hears that the page has gone, and fails alone when its listener does', async () => {
    const { web, streams } = await withEvents();
    await using _ = web;
    const page = new Listener(web);
    await page.hears('event-stream');
    let closed = false;
    streams[0]?.onClose(() => {
      throw new Error('careless');
    });
    streams[0]?.onClose(() => {
      closed = true;
    });
    page.socket.destroy();
    await until('it is closed', () => closed, { every: 2 });
    expect(web.warnings.join()).toContain('careless');
    expect((await web.get('/api/status')).status).toBe(200);
  });

  it('beats where nothing is said, and outlasts all patience with requests', async () => {
    const clock = new VirtualClock();
    const { web } = await withEvents({
      clock,
      web: { webSockets: { ping: '20 secs' }, timeouts: { inactivity: '50ms', request: '1 sec' } },
    });
    await using _ = web;
    const page = new Listener(web);
    await page.hears('event-stream');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await clock.advance(20_000);
    await page.hears(':\n\n');
    await clock.advance(20_000);
    await until('it beats again', () => page.text.split(':\n\n').length === 3, { every: 2 });
    page.socket.destroy();
    await until('nothing beats any more', () => clock.pending === 0, { every: 2 });
  });

  it('ends with the session that it was begun in', async () => {
    const clock = new VirtualClock();
    const { web, streams } = await withEvents({
      clock,
      web: { timeouts: { session: '1 min' }, webSockets: { ping: '30 secs' } },
    });
    await using _ = web;
    web.actions.add({
      path: '/live/own',
      options: {},
      handler: (asked) => {
        asked.session.set('a', 1);
        streams.push(asked.events());
      },
    });
    void web.get('/live/own').catch(() => undefined);
    await until('it is there', () => streams[0]?.isOpen, { every: 2 });
    await clock.advance(30_000);
    expect(streams[0]?.isOpen).toBe(true);
    await clock.advance(30_000);
    expect(streams[0]?.isOpen).toBe(false);
  });

  it('is kept from filling the memory by a page that does not read', async () => {
    const { web, streams } = await withEvents({ web: { limits: { buffer: '16k' } } });
    await using _ = web;
    const page = new Listener(web);
    await page.hears('event-stream');
    page.socket.pause();
    const [stream] = streams;
    let isFast = true;
    for (let sent = 0; stream?.isOpen && sent < 10_000; sent += 1) {
      isFast = stream.send({ data: 'x'.repeat(4096) });
      // Each turn the kernel takes what it can.
      await new Promise(setImmediate);
    }
    expect([isFast, stream?.isOpen]).toEqual([false, false]);
    await stream?.drained();
    expect((await web.get('/api/status')).status).toBe(200);
    page.socket.destroy();
  });

  it('is one of a bounded number, and makes room when it ends', async () => {
    const { web, streams } = await withEvents({ web: { limits: { sockets: '1' } } });
    await using _ = web;
    const page = new Listener(web);
    await page.hears('event-stream');
    expect(await web.get('/live')).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    page.socket.destroy();
    await until('there is room', () => !streams[0]?.isOpen, { every: 2 });
    const other = new Listener(web);
    await other.hears('event-stream');
    other.socket.destroy();
  });

  it('has no body where only the head is asked for', async () => {
    const { web, streams } = await withEvents();
    await using _ = web;
    expect(await web.get('/live', {}, 'HEAD')).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-type': 'text/event-stream' },
    });
    expect(streams[0]?.isOpen).toBe(false);
  });

  it('ends when the service stops', async () => {
    const { web, streams } = await withEvents();
    await using _ = web;
    const page = new Listener(web);
    await page.hears('event-stream');
    await web.stop();
    await until('the page knows', () => page.isClosed, { every: 2 });
    expect(streams[0]?.isOpen).toBe(false);
  });
});
