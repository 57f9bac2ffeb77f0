import { once } from 'node:events';
import { until, VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ActionOptions, SocketHandler, WebSocketPeer } from '../web-api.ts';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';
import { closeFrame, frame, RawSocket } from './raw-socket.fixture.ts';

interface Sockets {
  web: WebWorld;
  peers: WebSocketPeer[];
}

/** A server with a socket at /live, which says everything again. */
async function withSocket(
  options: WebWorldOptions = {},
  handler: SocketHandler = (peer) => peer.onMessage((message) => void peer.send(message)),
  action: ActionOptions = {},
): Promise<Sockets> {
  const web = await WebWorld.create(options);
  const peers: WebSocketPeer[] = [];
  web.actions.add({
    path: '/live',
    options: action,
    socket: (peer) => {
      peers.push(peer);
      return handler(peer);
    },
  });
  return { web, peers };
}

function open({ url }: WebWorld, path = '/live', protocols: string[] = [], headers = {}): WebSocket {
  return new WebSocket(`${url.replace('http', 'ws').slice(0, -1)}${path}`, protocols, { headers });
}

async function opened(web: WebWorld, ...rest: [string?, string[]?, object?]): Promise<WebSocket> {
  const client = open(web, ...rest);
  await once(client, 'open');
  return client;
}

/** The status that a client is refused with. */
async function refusal(client: WebSocket): Promise<number> {
  client.on('error', () => undefined);
  const [, response] = await once(client, 'unexpected-response');
  client.terminate();
  return response.statusCode;
}

describe('a WebSocket of a program', () => {
  it('gets texts and bytes, and gives them', async () => {
    const { web, peers } = await withSocket();
    await using _ = web;
    const client = await opened(web, '/live?a=1');
    const heard: [string, boolean][] = [];
    client.on('message', (data, isBinary) => heard.push([data.toString('hex' as never), isBinary]));
    client.send('ä');
    client.send(Buffer.from([0, 255]));
    client.send('');
    await until('it is answered', () => heard.length === 3, { every: 2 });
    expect(heard).toEqual([
      ['c3a4', false],
      ['00ff', true],
      ['', false],
    ]);
    const [peer] = peers;
    expect([
      peer?.path,
      peer?.query.get('a'),
      peer?.rest,
      peer?.protocol,
      peer?.username,
      peer?.isOpen,
    ]).toEqual(['/live', '1', '', '', undefined, true]);
    client.terminate();
  });

  it('is closed by either side, and both know how', async () => {
    const { web, peers } = await withSocket();
    await using _ = web;
    const client = await opened(web);
    const ends: unknown[] = [];
    peers[0]?.onClose((code, reason) => ends.push(['server', code, reason]));
    client.close(4001, 'enough');
    await once(client, 'close');
    await until('the server knows', () => ends.length > 0, { every: 2 });
    const other = await opened(web);
    expect(() => peers[1]?.close(1006)).toThrow('1006');
    expect(() => peers[1]?.close(1000, 'x'.repeat(124))).toThrow('124 bytes');
    peers[1]?.close(1000, 'done');
    const [code, reason] = await once(other, 'close');
    expect([...ends, code, String(reason)]).toEqual([['server', 4001, 'enough'], 1000, 'done']);
    peers[1]?.onClose((again) => ends.push(again));
    expect([peers[1]?.send('a'), peers[1]?.isOpen]).toEqual([false, false]);
    await until('who asks late is told, too', () => ends.includes(1000), { every: 2 });
  });

  it('loses nothing that comes before its handler listens', async () => {
    let heard = '';
    const { web } = await withSocket({}, async (peer) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      peer.onMessage((message) => {
        heard += message;
      });
    });
    await using _ = web;
    const client = await RawSocket.open(web);
    client.socket.write(Buffer.concat([frame('a'), frame('b')]));
    await until('it is heard', () => heard === 'ab', { every: 2 });
    client.socket.destroy();
  });

  it('reads no further while a message is dealt with', async () => {
    let heard = 0;
    let settle = () => {};
    const { web, peers } = await withSocket({}, (peer) =>
      peer.onMessage(() => {
        heard += 1;
        return new Promise<void>((resolve) => {
          settle = resolve;
        });
      }),
    );
    await using _ = web;
    const client = await RawSocket.open(web);
    const message = frame(Buffer.alloc(50_000), { opcode: 2 });
    let waits = 0;
    for (let sent = 0; sent < 2000; sent += 1) if (!client.socket.write(message)) waits += 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toBeLessThan(10);
    expect(waits).toBeGreaterThan(0);
    settle();
    const before = heard;
    await until('it goes on', () => heard > before || settle(), { every: 2 });
    client.socket.destroy();
    expect(peers).toHaveLength(1);
  });

  it.each<[string, SocketHandler]>([
    [
      'throws',
      () => {
        throw new Error('careless');
      },
    ],
    ['rejects', () => Promise.reject(new Error('careless'))],
    [
      'has a listener that throws',
      (peer) =>
        peer.onMessage(() => {
          throw new Error('careless');
        }),
    ],
    ['has a listener that rejects', (peer) => peer.onMessage(() => Promise.reject(new Error('careless')))],
  ])('whose handler %s is closed with 1011, and others are served', async (_what, handler) => {
    const { web } = await withSocket({}, handler);
    await using _ = web;
    const client = await opened(web);
    client.send('a');
    expect((await once(client, 'close'))[0]).toBe(1011);
    expect(web.warnings.join()).toContain('careless');
    expect((await web.get('/api/status')).status).toBe(200);
  });
});

describe('a WebSocket is opened', () => {
  it('in the subprotocol that the server likes best, and in none that it does not speak', async () => {
    const { web, peers } = await withSocket({ web: { webSockets: { protocol: ['b', 'a'] } } });
    await using _ = web;
    const client = await opened(web, '/live', ['a', 'b']);
    expect([client.protocol, peers[0]?.protocol]).toEqual(['b', 'b']);
    client.terminate();
    (await opened(web)).terminate();
    expect(await refusal(open(web, '/live', ['c']))).toBe(400);
  });

  it('for pages of the device, under a name of the device', async () => {
    const { web } = await withSocket();
    await using _ = web;
    const own = web.url.slice(0, -1);
    (await opened(web, '/live', [], { origin: own })).terminate();
    expect(await refusal(open(web, '/live', [], { origin: 'https://evil.example' }))).toBe(403);
    expect(await refusal(open(web, '/live', [], { origin: 'null' }))).toBe(403);
    const rebound = { host: 'evil.example', origin: 'http://evil.example' };
    expect(await refusal(open(web, '/live', [], rebound))).toBe(421);
  });

  it('where there is one, and where there may be one', async () => {
    const { web } = await withSocket({ files: { 'index.html': 'home' } });
    await using _ = web;
    web.actions.add({ path: '/api', options: {}, handler: () => 1 });
    for (const path of ['/', '/nothing', '/api'])
      expect([path, await refusal(open(web, path))]).toEqual([path, 404]);
    const { web: off } = await withSocket({ web: { webSockets: { enable: false } } });
    await using __ = off;
    expect(await refusal(open(off))).toBe(404);
  });

  it('by whom its action lets in', async () => {
    const { web } = await withSocket({}, undefined, { role: 'user' });
    await using _ = web;
    expect(await refusal(open(web))).toBe(401);
  });

  it('as often as there may be, together with streams of events', async () => {
    const { web } = await withSocket({ web: { limits: { sockets: '2' } } });
    await using _ = web;
    const clients = [await opened(web), await opened(web)];
    expect(await refusal(open(web))).toBe(503);
    web.actions.add({ path: '/events', options: {}, handler: (asked) => void asked.events() });
    expect((await web.get('/events')).status).toBe(503);
    clients[0]?.terminate();
    const again = await until('there is room', () => opened(web), { every: 5 });
    for (const client of [again, ...clients]) client.terminate();
  });
});

describe('an open WebSocket', () => {
  it('is pinged, outlasts all patience with requests, and ends when two pings are not answered', async () => {
    const clock = new VirtualClock();
    const { web, peers } = await withSocket({
      clock,
      web: { webSockets: { ping: '20 secs' }, timeouts: { inactivity: '50ms', request: '1 sec' } },
    });
    await using _ = web;
    const client = await opened(web);
    let pings = 0;
    client.on('ping', () => {
      pings += 1;
    });
    const silent = await RawSocket.open(web);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const round of [1, 2]) {
      await clock.advance(20_000);
      await until('it answered', () => pings === round, { every: 2 });
      client.send('here');
      await once(client, 'message');
    }
    expect(peers.map(({ isOpen }) => isOpen)).toEqual([true, true]);
    await clock.advance(20_000);
    await until('the silent one is gone', () => silent.isClosed, { every: 2 });
    expect(peers[0]?.isOpen).toBe(true);
    client.terminate();
    await until('nothing is pinged any more', () => clock.pending === 0, { every: 2 });
  });

  it('says when its client is slow, and is closed when it does not get faster', async () => {
    const { web, peers } = await withSocket({ web: { limits: { buffer: '16k' } } });
    await using _ = web;
    const client = await RawSocket.open(web);
    client.socket.pause();
    const [peer] = peers;
    let isFast = true;
    for (let sent = 0; peer?.isOpen && sent < 10_000; sent += 1) {
      isFast = peer.send('x'.repeat(4096));
      await new Promise(setImmediate);
    }
    expect([isFast, peer?.isOpen]).toEqual([false, false]);
    client.socket.resume();
    await client.ended();
    expect(client.closeCode).toBe(1013);
    await peer?.drained();
    client.socket.destroy();
  });

  it('ends with its session, and nothing more is told to it', async () => {
    const clock = new VirtualClock();
    const { web, peers } = await withSocket({ clock, web: { timeouts: { session: '1 min' } } });
    await using _ = web;
    web.actions.add({ path: '/in', options: {}, handler: (asked) => asked.signIn('ann', 'user') });
    web.actions.add({ path: '/out', options: {}, handler: (asked) => asked.signOut() });
    const cookieOf = async () => (await web.get('/in')).headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const cookie = await cookieOf();
    const client = await opened(web, '/live', [], { cookie });
    await clock.advance(50_000);
    client.send('a use of the session');
    await once(client, 'message');
    await clock.advance(20_000);
    expect(peers[0]?.send('still there')).toBe(true);
    await web.get('/out', { cookie });
    expect(peers[0]?.send('a secret')).toBe(false);
    expect((await once(client, 'close'))[0]).toBe(1008);
    const idle = await opened(web, '/live', [], { cookie: await cookieOf() });
    const closed = once(idle, 'close');
    await clock.advance(60_000);
    expect((await closed)[0]).toBe(1008);
  });

  it('is told that the device stops', async () => {
    const { web, peers } = await withSocket();
    await using _ = web;
    const client = await opened(web);
    const deaf = await RawSocket.open(web);
    const closed = once(client, 'close');
    await web.stop();
    expect((await closed)[0]).toBe(1001);
    await until('all ended', () => deaf.isClosed, { every: 2 });
    expect(peers.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  });

  it('takes over a connection that has nothing else to answer', async () => {
    const { web, peers } = await withSocket();
    await using _ = web;
    const client = await RawSocket.open(web);
    client.socket.write(Buffer.concat([frame('a'), closeFrame(1000)]));
    await client.ended();
    expect(client.frames.map(({ opcode, payload }) => [opcode, payload.toString('latin1')])).toEqual([
      [1, 'a'],
      [8, '\x03\xe8'],
    ]);
    expect(peers).toHaveLength(1);
  });
});
