import { Duplex } from 'node:stream';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { settle } from '@ioto/testkit/virtual-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { APART, carryToPeer } from './write-apart.ts';

/** A stream that, like a socket, joins what is written while a write is under way. */
class JoiningStream extends Duplex {
  readonly writes: Buffer[] = [];
  override _read(): void {}
  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    settle(2).then(() => callback());
  }
}

const puback = Buffer.from([0x40, 2, 0, 1]);
/** With a length of two bytes. */
const publish = Buffer.concat([Buffer.from([0x32, 0xac, 0x02]), Buffer.alloc(300, 7)]);

let peer: JoiningStream;
let core: Duplex;

beforeEach(() => {
  peer = new JoiningStream();
  const [near, far] = memoryConnection();
  core = far;
  carryToPeer(near, peer);
});

describe('what the core says to a client', () => {
  it('is one packet a write where it asks for that, however it comes', async () => {
    const packets = [puback, publish, puback, puback];
    const bytes = Buffer.concat([Buffer.from([APART]), ...packets]);
    for (const cut of [1, 2, 5, 6, 100, bytes.length]) {
      core.write(bytes.subarray(0, cut));
      await settle(3);
      core.write(bytes.subarray(cut));
      await settle(40);
      expect(peer.writes.splice(0)).toEqual(packets);
      // The next round is another connection.
      peer = new JoiningStream();
      const [near, far] = memoryConnection();
      core = far;
      carryToPeer(near, peer);
    }
  });

  it('is joined where it does not', async () => {
    core.write(Buffer.concat([puback, publish, puback]));
    await settle(20);
    expect(peer.writes).toEqual([Buffer.concat([puback, publish, puback])]);
  });

  it('is dropped when the client breaks off, and harms nobody', async () => {
    const broken = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, callback) => callback(new Error('reset by peer')),
    });
    broken.on('error', () => undefined);
    const [near, far] = memoryConnection();
    far.on('error', () => undefined);
    carryToPeer(near, broken);
    far.write(Buffer.concat([Buffer.from([APART]), puback, puback]));
    await settle(10);
    far.write(puback);
    await settle(10);
    expect(broken.destroyed).toBe(true);
  });

  it.each([
    ['nothing', []],
    ['a packet', [puback]],
    ['packets apart', [Buffer.from([APART]), puback]],
  ])('ends, also after %s', async (_name, said) => {
    for (const bytes of said) core.write(bytes);
    core.end();
    await settle(30);
    expect(peer.writableFinished).toBe(true);
    expect(Buffer.concat(peer.writes)).toEqual(said.includes(puback) ? puback : Buffer.alloc(0));
  });
});
