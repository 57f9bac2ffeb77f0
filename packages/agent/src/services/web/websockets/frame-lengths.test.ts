import { describe, expect, it } from 'vitest';
import { FrameLengths } from './frame-lengths.ts';
import { frame } from './raw-socket.fixture.ts';

describe('the length of a frame', () => {
  const cases: [string, number, boolean][] = [
    ['as long as may be', 70_000, false],
    ['a byte longer', 70_001, true],
  ];
  it.each(cases)('is told from pieces of whatever size (%s)', (_what, length, isExceeded) => {
    const before = ['', 'a', 'x'.repeat(200)].map((text) => frame(text, { masked: text !== 'a' }));
    const stream = Buffer.concat([...before, frame('y'.repeat(length), { opcode: 2 }), frame('')]);
    for (const size of [1, 3, 1000, stream.length]) {
      const lengths = new FrameLengths(70_000);
      let told = false;
      for (let at = 0; at < stream.length && !told; at += size) {
        told = lengths.isExceededBy(stream.subarray(at, at + size));
      }
      expect([size, told]).toEqual([size, isExceeded]);
    }
  });

  it('is told before the frame comes', () => {
    expect(new FrameLengths(100).isExceededBy(frame('', { length: 2n ** 63n }))).toBe(true);
  });
});
