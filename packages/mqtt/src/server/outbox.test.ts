import { Duplex } from 'node:stream';
import { settle } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

/** A stream that, like a socket, merges the writes which come while one is under way. */
class MergingStream extends Duplex {
  readonly writes: string[] = [];
  override _read(): void {}
  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)).toString());
    settle(3).then(() => callback());
  }
}

describe('Outbox', () => {
  it('makes one write of what one loop turn brings', async () => {
    const stream = new MergingStream();
    const outbox = new Outbox(stream, { onWritten: () => undefined });
    for (const text of ['a', 'b', 'c']) outbox.write(Buffer.from(text));
    expect(stream.writes).toEqual([]);
    await settle();
    expect(stream.writes).toEqual(['abc']);
    expect(outbox.pending).toBe(0);
  });

  it('with a write for each packet waits until the stream has taken the one before', async () => {
    const stream = new MergingStream();
    const outbox = new Outbox(stream, { onWritten: () => undefined });
    outbox.writeEachPacket();
    // Each of them comes in a loop turn of its own, faster than the stream takes them.
    for (const text of ['a', 'b', 'c', 'd']) {
      outbox.write(Buffer.from(text));
      await settle(1);
    }
    await settle(20);
    expect(stream.writes).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ends after what is left', async () => {
    const stream = new MergingStream();
    const outbox = new Outbox(stream, { onWritten: () => undefined });
    outbox.write(Buffer.from('a'));
    outbox.end();
    outbox.write(Buffer.from('b'));
    await settle();
    expect(stream.writes).toEqual(['a']);
    expect(stream.writableFinished).toBe(true);
  });
});
