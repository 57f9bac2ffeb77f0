import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../ports/device-endpoint.ts';
import { CoreDoor } from './core-door.ts';
import { buildHandover, type Handover } from './handover.ts';
import { APART } from './write-apart.ts';

let directory: TempDirectory;
let clock: VirtualClock;
let door: CoreDoor;
let taken: { stream: Socket; peer: Peer }[];
let refused: string[];

const peer: Peer = {
  remoteAddress: '192.0.2.7',
  certificate: { deviceId: 'JT08FFQXWQ', serial: '0a1b' },
};

const take = (stream: Duplex, peer: Peer) => taken.push({ stream: stream as Socket, peer });

function newDoor(path?: string): CoreDoor {
  return new CoreDoor({
    directory: path,
    behind: { mqtt: take, https: take },
    ...{ clock, logger: silentLogger },
    onRefused: (reason) => refused.push(reason),
  });
}

beforeEach(async () => {
  directory = await TempDirectory.create();
  clock = new VirtualClock();
  taken = [];
  refused = [];
  door = newDoor(directory.path);
  await door.start();
});

afterEach(async () => {
  for (const { stream } of taken) stream.destroy();
  await door.stop();
  await directory[Symbol.asyncDispose]();
});

function dial(allowHalfOpen = false): Socket {
  const socket = connect({ path: door.path, allowHalfOpen });
  socket.on('error', () => undefined);
  socket.resume();
  return socket;
}

const header = (more: Partial<Handover> = {}) =>
  buildHandover({ secret: door.secret, door: 'mqtt', peer, ...more });

/** All that the one connection is told, as it comes. */
function heard(): () => string {
  let text = '';
  taken[0]?.stream.on('data', (bytes) => {
    text += bytes;
  });
  return () => text;
}

describe('a connection that a worker hands on', () => {
  it('reaches its door with the facts of its peer, and everything behind the header', async () => {
    const socket = dial();
    for (const byte of Buffer.concat([header(), Buffer.from('first')])) {
      socket.write(Buffer.from([byte]));
      if (byte % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('it to be taken', () => taken[0]);
    const text = heard();
    socket.write(' second');
    await until('all of it', () => text() === 'first second');
    expect(taken[0]?.peer).toMatchObject(peer);
    expect(taken[0]?.stream.remoteAddress).toBe('192.0.2.7');
    socket.destroy();
  });

  it('may have been ended by its peer already', async () => {
    dial().end(Buffer.concat([header(), Buffer.from('all')]));
    await until('it to be taken', () => taken[0]);
    const text = heard();
    await once(taken[0]?.stream as Socket, 'end');
    expect(text()).toBe('all');
  });
});

describe('what takes a connection over', () => {
  it('may answer before it has read all, and leave: the answer gets there', async () => {
    const socket = dial(true);
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.write(header());
    await until('it to be taken', () => taken[0]);
    const stream = taken[0]?.stream as Socket;
    stream.write('413');
    stream.destroySoon();
    for (let chunk = 0; chunk < 20; chunk += 1) {
      socket.write(Buffer.alloc(65_536));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(answer).toBe('413');
    expect(stream.destroyed).toBe(false);
    const closed = once(stream, 'close');
    await clock.advance(2000);
    await closed;
  });

  it('may have what it writes kept apart, over MQTT only', async () => {
    const socket = dial();
    let heard = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
    });
    socket.write(header());
    await until('it to be taken', () => taken[0]);
    taken[0]?.peer.keepWritesApart?.();
    taken[0]?.stream.write('x');
    await until('both', () => heard.length === 2);
    expect([...heard]).toEqual([APART, 'x'.charCodeAt(0)]);
    dial().write(header({ door: 'https' }));
    await until('the other to be taken', () => taken[1]);
    expect(taken[1]?.peer.keepWritesApart).toBeUndefined();
  });
});

describe('whoever else reaches the socket', () => {
  it.each([
    ['another secret', () => header({ secret: randomBytes(32) })],
    ['no header', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('is refused with %s', async (_name, bytes) => {
    const socket = dial();
    socket.write(bytes());
    await once(socket, 'close');
    expect([taken, refused]).toEqual([[], ['handover refused']]);
  });

  it('is refused when nothing whole comes in time', async () => {
    const socket = dial();
    const closed = once(socket, 'close');
    const waiting = clock.pending;
    socket.write(header().subarray(0, 20));
    await until('it to be waited for', () => clock.pending > waiting);
    await clock.advance(10_000);
    await closed;
    expect(refused).toEqual(['handover refused']);
  });

  it('is closed when the program stops', async () => {
    const socket = dial();
    const closed = once(socket, 'close');
    const waiting = clock.pending;
    await until('it to be waited for', () => clock.pending > waiting);
    await door.stop();
    await closed;
    expect(taken).toEqual([]);
  });
});

describe('the socket', () => {
  it('is made anew where a killed program has left one', async () => {
    const { path } = door;
    await door.stop();
    await writeFile(path, '');
    await door.start();
    expect(door.path).toBe(path);
  });

  it('lies in a private directory of its own where its path would be too long, and goes with it', async () => {
    const elsewhere = newDoor(directory.at('x'.repeat(100)));
    await elsewhere.start();
    const made = dirname(elsewhere.path);
    expect((await stat(made)).mode & 0o777).toBe(0o700);
    await elsewhere.stop();
    await expect(stat(made)).rejects.toThrow('ENOENT');
  });
});
