import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, scanFrames } from './frame.ts';

const payloads = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 8 });

function file(texts: readonly string[], first = 7): Buffer {
  return Buffer.concat(texts.map((text, at) => encodeFrame('operations', first + at, text)));
}

describe('frames', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(payloads, (texts) => {
        const scan = scanFrames(file(texts));
        expect(scan.frames.map(({ payload }) => payload.toString())).toEqual(texts);
        expect(scan).toMatchObject({ damaged: false, end: file(texts).length });
      }),
    );
  });

  it('cut anywhere are whole up to the cut, and no later one is seen', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (texts, cut) => {
        const bytes = file(texts);
        const scan = scanFrames(bytes.subarray(0, cut % bytes.length));
        expect(scan.laterFrame).toBe(false);
        expect(texts.slice(0, scan.frames.length)).toEqual(
          scan.frames.map(({ payload }) => payload.toString()),
        );
      }),
    );
  });

  it('with any byte changed are whole up to it, and a later one is seen unless it was the last', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (texts, place, flip) => {
        const bytes = file(texts);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const { frames, damaged, laterFrame, end } = scanFrames(bytes);
        expect(damaged).toBe(true);
        expect(end).toBeLessThanOrEqual(at);
        expect(laterFrame).toBe(frames.length < texts.length - 1);
      }),
    );
  });

  it('out of any bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void scanFrames(Buffer.from(bytes))));
  });
});
