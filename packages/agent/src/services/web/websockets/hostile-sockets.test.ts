import { once } from 'node:events';
import { until } from '@ioto/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { WebSocketPeer } from '../web-api.ts';
import { WebWorld } from '../web-world.fixture.ts';
import { closeFrame, frame, RawSocket, type UpgradeOptions, upgrade } from './raw-socket.fixture.ts';

const heard: (string | Buffer)[] = [];
const peers: WebSocketPeer[] = [];
let web: WebWorld;

beforeAll(async () => {
  web = await WebWorld.create({
    files: { 'a.txt': 'secret' },
    web: {
      limits: { sockets: '3', maxMessage: '2k', maxFrame: '1k', buffer: '8k' },
      webSockets: { ping: 'never' },
    },
  });
  web.actions.add({
    path: '/live',
    options: {},
    socket: (peer) => {
      peers.push(peer);
      peer.onMessage((message) => {
        heard.push(message);
        peer.send(message);
      });
    },
  });
  web.actions.add({
    path: '/slow',
    options: {},
    handler: () => new Promise((resolve) => setTimeout(resolve, 50)),
  });
});
afterAll(() => web[Symbol.asyncDispose]());

/** Whatever somebody did: nothing of it was heard, nothing of it stays, and a normal client is served. */
afterEach(async () => {
  expect(heard.splice(0)).toEqual([]);
  await until('nothing is left of it', () => peers.every(({ isOpen }) => !isOpen), { every: 2 });
  const client = new WebSocket(`ws://127.0.0.1:${web.port}/live`);
  await once(client, 'open');
  client.send('hello');
  expect(String((await once(client, 'message'))[0])).toBe('hello');
  client.close();
  await once(client, 'close');
  heard.length = 0;
  expect((await web.get('/a.txt')).text).toBe('secret');
  expect(web.warnings).toEqual([]);
});

const big = (size: number) => Buffer.alloc(size, 'x');

describe('frames that are none are answered by their code, and end the socket', () => {
  it.each<[string, Buffer, number]>([
    ['unmasked', frame('a', { masked: false }), 1002],
    ['a reserved bit', frame('a', { reserved: 4 }), 1002],
    ['all reserved bits', frame('a', { reserved: 7 }), 1002],
    ['an unknown opcode', frame('a', { opcode: 3 }), 1002],
    ['an unknown control', frame('a', { opcode: 11 }), 1002],
    ['a ping of 126 bytes', frame(big(126), { opcode: 9 }), 1002],
    ['a ping in fragments', frame('a', { opcode: 9, fin: false }), 1002],
    ['a close in fragments', frame('', { opcode: 8, fin: false }), 1002],
    ['a continuation of nothing', frame('a', { opcode: 0 }), 1002],
    ['a message in a message', Buffer.concat([frame('a', { fin: false }), frame('b')]), 1002],
    ['a length of 64 bits', frame('', { opcode: 2, length: 2n ** 63n }), 1009],
    ['a length that is no safe number', frame('', { opcode: 2, length: 2n ** 60n }), 1009],
    ['a frame too large', frame(big(1025), { opcode: 2 }), 1009],
    [
      'a message too large',
      Buffer.concat([
        frame(big(1000), { fin: false }),
        ...Array(2).fill(frame(big(1000), { opcode: 0, fin: false })),
      ]),
      1009,
    ],
    [
      'a message in more pieces than may be',
      Buffer.concat([frame('x', { fin: false }), ...Array(1024).fill(frame('y', { opcode: 0, fin: false }))]),
      1008,
    ],
    [
      'endless pieces of nothing',
      Buffer.concat([frame('', { fin: false }), ...Array(2000).fill(frame('', { opcode: 0, fin: false }))]),
      1008,
    ],
    ['a text that is no UTF-8', frame(Buffer.from([0xc3, 0x28])), 1007],
    ['a text cut in a letter', frame(Buffer.from([0xe2, 0x82])), 1007],
    ['a surrogate in UTF-8', frame(Buffer.from([0xed, 0xa0, 0x80])), 1007],
    ['a close of one byte', frame('x', { opcode: 8 }), 1002],
    ['a close with 999', closeFrame(999), 1002],
    ['a close with 1005', closeFrame(1005), 1002],
    ['a close with 1006', closeFrame(1006), 1002],
    ['a close with 1015', closeFrame(1015), 1002],
    ['a close with 5000', closeFrame(5000), 1002],
    ['a close whose reason is no UTF-8', closeFrame(1000, Buffer.from([0xff])), 1007],
    ['a second request', Buffer.from('GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n'), 1002],
  ])('%s', async (_what, bytes, code) => {
    const client = await RawSocket.open(web);
    client.socket.write(bytes);
    await client.ended();
    expect(client.closeCode).toBe(code);
    client.socket.destroy();
  });
});

describe('a request that opens no socket is refused, and what follows it is nobody’s request', () => {
  it.each<[string, UpgradeOptions, number]>([
    ['no key', { headers: { 'Sec-WebSocket-Key': undefined } }, 400],
    ['a key that is none', { headers: { 'Sec-WebSocket-Key': 'abc' } }, 400],
    ['a key of 17 bytes', { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZTE=' } }, 400],
    ['version 12', { headers: { 'Sec-WebSocket-Version': '12' } }, 426],
    ['version 8', { headers: { 'Sec-WebSocket-Version': '8' } }, 426],
    ['no version', { headers: { 'Sec-WebSocket-Version': undefined } }, 426],
    ['POST', { method: 'POST' }, 400],
    ['PUT', { method: 'PUT' }, 405],
    ['HTTP/1.0', { version: '1.0' }, 400],
    ['a body', { headers: { 'Content-Length': '4' }, body: 'abcd' }, 400],
    ['a body in chunks', { headers: { 'Transfer-Encoding': 'chunked' }, body: '0\r\n\r\n' }, 400],
    ['two hosts', { headers: { host: 'y' } }, 400],
    [
      'another protocol with a body',
      { headers: { Upgrade: 'h2c', 'Content-Length': '4' }, body: 'abcd' },
      400,
    ],
    ['an origin elsewhere', { headers: { Origin: 'http://y' } }, 403],
    ['another port', { headers: { Origin: 'http://x:81' } }, 403],
    ['a name of the internet', { headers: { Host: 'evil.example' } }, 421],
    ['subprotocols that are no names', { headers: { 'Sec-WebSocket-Protocol': 'a b' } }, 400],
    ['the same subprotocol twice', { headers: { 'Sec-WebSocket-Protocol': 'a, a' } }, 400],
    ['nothing there', { path: '/nothing' }, 404],
  ])('%s', async (_what, options, status) => {
    const client = new RawSocket(web, `${upgrade(options)}GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until('it is ended', () => client.isClosed, { every: 2 });
    expect([client.status, client.received.includes('secret')]).toEqual([status, false]);
    if (status === 426) expect(client.received.toString()).toMatch(/sec-websocket-version: 13/i);
  });

  it('but another protocol is not missed where the answer is there', async () => {
    const client = new RawSocket(web, upgrade({ path: '/a.txt', headers: { Upgrade: 'h2c' } }));
    await until('it is ended', () => client.isClosed, { every: 2 });
    expect([client.status, client.received.includes('secret')]).toEqual([200, true]);
  });

  it('in the middle of answers to others', async () => {
    const client = new RawSocket(web, `GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${upgrade()}`);
    await until('it is ended', () => client.isClosed, { every: 2 });
    expect(client.received.toString()).toBe('');
  });
});

describe('a peer that reads nothing', () => {
  it('and pings without end is cut off', async () => {
    const client = await RawSocket.open(web);
    client.socket.pause();
    const ping = frame(big(125), { opcode: 9 });
    const many = Buffer.concat(Array(2000).fill(ping));
    await until(
      'it is cut off',
      () => {
        if (client.socket.writableLength < 1e7) client.socket.write(many);
        return peers.every(({ isOpen }) => !isOpen);
      },
      { every: 1 },
    );
    client.socket.destroy();
  });

  it('keeps no more sockets than there are, and gives them back', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => RawSocket.open(web)));
    const fourth = new RawSocket(web, upgrade());
    await until('it is refused', () => fourth.isClosed, { every: 2 });
    expect(fourth.status).toBe(503);
    for (const { socket } of clients) socket.resetAndDestroy();
  });

  it('and vanishes in the middle of opening leaves nothing', async () => {
    for (let n = 0; n < 20; n += 1) {
      const client = new RawSocket(web, upgrade());
      client.socket.once('connect', () => setImmediate(() => client.socket.resetAndDestroy()));
      await once(client.socket, 'close');
    }
  });
});
