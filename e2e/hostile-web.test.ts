import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { sendRaw, until } from '@ioto/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AttackedDevice, get, type Memory, MOST, post, statuses } from './attacked-device.ts';

/** Bytes that the device may hold more of when all of it was done once more, and may have more of than in the beginning. */
const GROWN: Memory = { held: 3e6, resident: 96e6 };

let device: AttackedDevice;
/** In the beginning, and after each time. */
const memory: Memory[] = [];
beforeAll(async () => {
  device = await AttackedDevice.create();
  memory.push(await device.memory());
});
afterAll(() => device?.[Symbol.asyncDispose]());

const lines = (count: number, length = 1) =>
  Array.from({ length: count }, (_, n) => `X-${n}: ${'x'.repeat(length)}\r\n`).join('');

describe.each([
  ['http', 0],
  ['https', 1],
])('a device that serves %s goes on serving', (_scheme, of) => {
  afterAll(async () => {
    await delay(500);
    memory.push(await device.memory());
  });
  afterEach(async () => {
    await device.served(of);
    expect(device.program.exit, device.program.said).toBeUndefined();
  });

  /** Each is refused, ends its connection, and nothing behind it is taken for a request. */
  async function refused(table: Record<string, string>, expected: (status: number) => boolean) {
    const asked = Object.entries(table);
    for (let at = 0; at < asked.length; at += 16) {
      await Promise.all(
        asked.slice(at, at + 16).map(async ([what, bytes]) => {
          const said = await device.exchange(of, `${bytes}${get('/a.txt')}`);
          const found = statuses(said);
          expect(found.length, `${what}: ${found}`).toBeLessThanOrEqual(1);
          expect(found.every(expected), `${what}: ${found}`).toBe(true);
        }),
      );
    }
  }

  it('beside headers and bodies that come a byte at a time', async () => {
    const slowly = { pause: 100, patience: 3500 };
    const [headers, body] = await Promise.all([
      device.exchange(of, [...get('/a.txt', lines(3)).slice(0, 40)], slowly),
      device.exchange(
        of,
        [post('/api/echo', 'application/json', '"'.padEnd(5000)).slice(0, -4990), ...'x'.repeat(30)],
        slowly,
      ),
      device.served(of),
    ]);
    expect([statuses(headers), statuses(body)]).toEqual([[408], [408]]);
  });

  it('beside readers that take nothing of a large file', async () => {
    const sockets = await device.hold(of, 20, get('/big.bin').repeat(10));
    await delay(300);
    await device.served(of);
    for (const socket of sockets) socket.destroy();
  });

  it('after ten thousand requests in a breath', async () => {
    expect(statuses(await device.exchange(of, get('/a.txt').repeat(16)))).toEqual(Array(16).fill(200));
    const sockets = await device.hold(of, 4, get('/a.txt', 'If-Match: "x"\r\n').repeat(10_000));
    await device.served(of);
    for (const socket of sockets) socket.destroy();
  });

  it('after bombs of headers and targets', async () => {
    const bombs = {
      'one of 11k': get('/a.txt', lines(1, 11_000)),
      '101 lines': get('/a.txt', lines(100)),
      '2500 lines': get('/a.txt', lines(2500)),
      'a megabyte': get('/a.txt', lines(1, 1_000_000)),
      'no colon': get('/a.txt', 'nothing\r\n'),
      'a folded line': get('/a.txt', 'X: a\r\n b\r\n'),
      'a bare line feed': get('/a.txt', 'X: a\nY: b\r\n'),
      'a bare return': get('/a.txt', 'X: a\rY: b\r\n'),
      'a blank before the colon': get('/a.txt', 'X : a\r\n'),
      'a path of 12k': get(`/${'a'.repeat(12_000)}`),
      'a query of 64k': get(`/?${'a'.repeat(64_000)}`),
      '10k segments': get('/a'.repeat(10_000)),
      '5k dots': get(`/${'%2e'.repeat(5000)}`),
    };
    await refused(bombs, (status) => [400, 431, 414].includes(status));
    const many = `Range: bytes=${Array(1500).fill('0-0').join(',')}\r\n`;
    expect(statuses(await device.exchange(of, get('/a.txt', many)))).toEqual([200]);
  });

  it('after shapes that two servers would read as different requests', async () => {
    const chunked = 'Transfer-Encoding: chunked\r\n';
    const echo = (more: string, body: string) =>
      `${get('/api/echo', `Content-Type: application/json\r\n${more}`, 'POST')}${body}`;
    const shapes = {
      'a length and chunks': echo(`Content-Length: 4\r\n${chunked}`, '0\r\n\r\n'),
      'chunks and a length': echo(`${chunked}Content-Length: 4\r\n`, '0\r\n\r\n'),
      'two lengths': echo('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'),
      'the same length twice': echo('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'),
      'a length with a plus': echo('Content-Length: +2\r\n', '{}'),
      'a length in hex': echo('Content-Length: 0x2\r\n', '{}'),
      'a list of lengths': echo('Content-Length: 2, 2\r\n', '{}'),
      'a negative length': echo('Content-Length: -1\r\n', '{}'),
      'chunks twice': echo('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'),
      'what is nearly chunked': echo('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
      'another coding': echo('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
      'a chunk without an end': echo(chunked, 'ffffffffffffffffff\r\n{}'),
      'a chunk that ends wrong': echo(chunked, '2\r\n{}x\r\n0\r\n\r\n'),
      'an extension of a megabyte': echo(chunked, `2;${'x'.repeat(1_000_000)}\r\n{}\r\n0\r\n\r\n`),
      'chunks in HTTP/1.0': echo(chunked, '0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
      'another host in the target': get('http://y/a.txt'),
      'two hosts': get('/a.txt', 'Host: y\r\n'),
      'no host': 'GET /a.txt HTTP/1.1\r\n\r\n',
      'a body with an upgrade': get(
        '/api/socket',
        `Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 9\r\n`,
      ),
    };
    await refused(shapes, (status) => [400, 413, 431, 501].includes(status));
  });

  it('nothing of other files, however they are spelt', async () => {
    const up = ['..', '%2e%2e', '%2E.', '.%2e', '..;', '%252e%252e', '%c0%ae%c0%ae', '%u002e%u002e', '.%00.'];
    const more = [
      '%e0%80%ae%e0%80%ae',
      '%ef%bc%8e%ef%bc%8e',
      '...',
      '.. ',
      '..%20',
      '..%09',
      '..%0d',
      '~',
      '.',
    ];
    const slashes = ['/', '//', '%2f', '%5c', '\\', '%252f', '%c0%af', '%e2%88%95', '/./'];
    const paths = [...up, ...more].flatMap((dots) =>
      slashes.flatMap((slash) => [
        `/${dots}${slash}outside.txt`,
        `/sub/${dots}${slash}${dots}${slash}outside.txt`,
      ]),
    );
    const others = [
      '/link.txt',
      '/root/etc/passwd',
      '/.hidden',
      '/%2ehidden',
      '//etc/passwd',
      '/C:/a',
      'file:///etc/passwd',
    ];
    const guarded = [
      '/app/secret.html',
      '/app//secret.html',
      '/%61pp/secret.html',
      '/sub/../app/secret.html',
      '/app/./secret.html',
    ];
    const all = [...paths, ...others, ...guarded];
    // Those of one connection: a target that is none ends it.
    for (let at = 0; at < all.length; at += 24) {
      await Promise.all(
        all.slice(at, at + 24).map(async (path) => {
          const said = await device.exchange(of, get(path, 'Connection: close\r\n'));
          expect(said, path).not.toMatch(/OUTSIDE|root:/);
          expect([400, 401, 404], path).toContain(statuses(said)[0]);
        }),
      );
    }
  });

  it('after methods and types that are confused', async () => {
    const json = 'application/json';
    const answers: [string, number][] = [
      [post('/api/echo', 'application/x-www-form-urlencoded', '{}'), 415],
      [post('/api/echo', json, 'a=1'), 400],
      [post('/api/echo', json, '{"__proto__":{"a":1}}'), 400],
      [post('/api/echo', json, '['.repeat(5000)), 400],
      [post('/api/echo', json, '{}', 'Content-Encoding: gzip\r\n'), 415],
      [post('/api/echo', json, '{}', 'Content-Type: text/plain\r\n'), 400],
      [post('/api/form', 'multipart/form-data', 'x'), 400],
      [get('/a.txt', 'X-HTTP-Method-Override: DELETE\r\n'), 200],
      [`${get('/a.txt', 'Content-Length: 4\r\n')}body`, 200],
      [get('/a.txt', '', 'TRACE'), 405],
      [get('/a.txt', '', 'PROPFIND'), 405],
      [get('/a.txt', 'Content-Length: 0\r\n', 'PUT'), 405],
    ];
    for (const [bytes, status] of answers) {
      expect(statuses(await device.exchange(of, bytes))[0], bytes.slice(0, 120)).toBe(status);
    }
    for (const bytes of [
      'get /a.txt HTTP/1.1\r\nHost: x\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
      '\r\n\r\n\x16\x03\x01',
    ]) {
      expect(
        statuses(await device.exchange(of, bytes)).every((status) => status === 400),
        bytes,
      ).toBe(true);
    }
  });

  it('after abuse of its WebSockets', async () => {
    const open = get(
      '/api/socket',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    );
    const frames = {
      'not masked': '\x81\x01a',
      'reserved bits': '\xf1\x81\0\0\0\0a',
      'a long ping': `\x89\xfe\x01\x00\0\0\0\0${'x'.repeat(256)}`,
      'a length of 64 bits': '\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0',
      'no UTF-8': '\x81\x82\0\0\0\0\xc3\x28',
      'pieces without an end': `\x01\x81\0\0\0\0a${'\x00\x81\0\0\0\0a'.repeat(3000)}`,
      'a close that is none': '\x88\x82\0\0\0\0\x03\xed',
      'another request': get('/a.txt'),
    };
    for (const [what, frame] of Object.entries(frames)) {
      const outcome = await device.send(of, [open, frame], {
        pause: 50,
        patience: 7000,
        enough: (received) => /101[\s\S]*\r\n\r\n\x88/.test(received.toString('latin1')),
      });
      expect(outcome.received.toString('latin1'), what).toMatch(/ 101 [\s\S]*\r\n\r\n\x88/);
    }
    expect(
      statuses(
        await device.exchange(of, open.replace('Upgrade: web', 'Origin: http://evil\r\nUpgrade: web')),
      ),
    ).toEqual([403]);
    const sockets = await device.hold(of, 4, open);
    await until('all sockets to be taken', async () => statuses(await device.exchange(of, open))[0] === 503);
    for (const socket of sockets) socket.destroy();
    const pings = await device.hold(of, 2, `${open}${'\x89\x81\0\0\0\0a'.repeat(100_000)}`);
    await device.served(of);
    for (const socket of pings) socket.destroy();
    await until('the sockets to be free', async () => statuses(await device.exchange(of, open))[0] === 101);
  });

  it('after uploads that are bombs, and has nothing of them', async () => {
    const part = (name: string, text: string) =>
      `--b\r\nContent-Disposition: form-data; ${name}\r\n\r\n${text}\r\n`;
    const form = (parts: string, end = '--b--\r\n') =>
      post('/api/form', 'multipart/form-data; boundary=b', parts + end);
    const bombs: [string, string, number][] = [
      ['10k fields', form(part('name="a"', 'x').repeat(1500)), 413],
      ['too many files', form(part('name="a"; filename="a"', 'x').repeat(4)), 413],
      ['no end', form(part('name="a"; filename="a"', 'x'), ''), 400],
      ['headers without an end', form('', `--b\r\n${'X: y\r\n'.repeat(9000)}`), 400],
      ['a name of 50k', form(part(`name="${'n'.repeat(50_000)}"`, 'x')), 400],
      ['a boundary of 5k', post('/api/form', `multipart/form-data; boundary=${'b'.repeat(5000)}`, 'x'), 400],
      ['a NUL', form(part('name="a\0b"', 'x')), 400],
      [
        'a compressed one',
        post('/api/form', 'multipart/form-data; boundary=b', 'x', 'Content-Encoding: gzip\r\n'),
        415,
      ],
      ['a length of a petabyte', get('/in/x', 'Content-Length: 1125899906842624\r\n', 'PUT'), 413],
      ['a path out', get('/in/%2e%2e/x', 'Content-Length: 1\r\n', 'PUT'), 404],
      [
        'a hidden one',
        post('/in/', 'multipart/form-data; boundary=b', `${part('name="a"; filename=".x"', 'x')}--b--\r\n`),
        400,
      ],
    ];
    for (const [what, bytes, status] of bombs) {
      expect(statuses(await device.exchange(of, bytes, { patience: 500 }))[0], what).toBe(status);
    }
    const endless = await device.hold(
      of,
      4,
      get('/in/x', 'Transfer-Encoding: chunked\r\n', 'PUT') + `8000\r\n${'x'.repeat(0x8000)}\r\n`.repeat(2),
    );
    for (const socket of endless) socket.destroy();
    await until(
      'all of it to be gone',
      async () => (await readdir(device.directory.at('state', 'tmp'))).length === 0,
    );
    expect(await readdir(device.directory.at('state', 'site', 'in'))).toEqual([]);
  });

  it('after zero bytes wherever there may be one', async () => {
    for (const bytes of [
      get('/a\0.txt'),
      get('/a.txt?a=\0'),
      get('/a.txt', 'X: a\0b\r\n'),
      get('/a.txt', 'Cookie: a=\0\r\n'),
      '\0'.repeat(5000),
    ]) {
      expect(
        statuses(await device.exchange(of, bytes)).every((status) => status === 400),
        bytes.slice(0, 30),
      ).toBe(true);
    }
    expect(statuses(await device.exchange(of, get('/a.txt%00')))).toEqual([404]);
    expect(statuses(await device.exchange(of, get('/api/echo?n=%00')))).toEqual([200]);
  });

  it('those that came first, beside more connections than it allows', async () => {
    await until('a device without guests', async () => {
      const sockets = await device.hold(of, MOST, '').catch(() => []);
      await delay(50);
      const alive = sockets.filter((socket) => !socket.destroyed);
      const isFull = alive.length === MOST;
      if (isFull) {
        expect(await device.exchange(of, get('/a.txt'))).toBe('');
        let said = '';
        alive[0]?.on('data', (piece) => {
          said += piece;
        });
        alive[0]?.resume().write(get('/a.txt'));
        await until('one within to be served', async () => said.endsWith('fine'));
      }
      for (const socket of sockets) socket.destroy();
      return isFull;
    });
  });
});

describe('a device that was attacked', () => {
  it('closes connections of its TLS port that speak none, or nothing', async () => {
    const port = device.ports[1] as number;
    for (const bytes of [get('/a.txt'), '\x16\x03\x01\xff\xff', 'x'.repeat(70_000), '\x16']) {
      const { end } = await sendRaw({ port }, { writes: [Buffer.from(bytes, 'latin1')], patience: 5000 });
      expect(end, bytes.slice(0, 20)).toBe('closed');
    }
    await device.served(1);
  });

  it('has no more memory than before, has complained of nothing, and stops when it is told to', async () => {
    const [first, after, again] = memory as [Memory, Memory, Memory];
    expect(again.held - after.held).toBeLessThan(GROWN.held);
    expect(again.resident - first.resident).toBeLessThan(GROWN.resident);
    expect(device.program.said).not.toMatch(
      /uncaught|unhandled|garbage collection|MaxListeners|a web request failed| at .*\.js:\d+/i,
    );
    const silent = await device.hold(0, 3, '');
    // Half of a handshake must not hold it up.
    const hello = connect(device.ports[1] as number, '127.0.0.1').on('error', () => undefined);
    await once(hello, 'connect');
    expect(await device.program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    for (const socket of [...silent, hello]) socket.destroy();
  });
});
