import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from './frame.ts';
import { readFrames } from './frame-reader.ts';
import { SimulatedDisk } from './simulated-disk.fixture.ts';

const payloads = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 8 });

function file(texts: readonly string[], first = 7): Buffer {
  return Buffer.concat(texts.map((text, at) => encodeFrame('operations', first + at, text)));
}

async function read(bytes: Uint8Array) {
  const disk = new SimulatedDisk();
  disk.put('/file', Buffer.from(bytes));
  const texts: string[] = [];
  const scan = await readFrames(disk, '/file', ({ payload }) => texts.push(payload.toString()));
  return { texts, ...scan };
}

describe('frames', () => {
  it('are read as they were written', async () => {
    await fc.assert(
      fc.asyncProperty(payloads, async (texts) => {
        const scan = await read(file(texts));
        expect(scan.texts).toEqual(texts);
        expect(scan).toMatchObject({ damaged: false, end: file(texts).length, size: file(texts).length });
      }),
    );
  });

  it('are read whatever their size is', async () => {
    const texts = [300, 262_144, 3, 1_000_000, 200_000, 70_000].map((size) => 'x'.repeat(size));
    expect((await read(file(texts))).texts).toEqual(texts);
  });

  it('cut anywhere are whole up to the cut, and no later one is seen', async () => {
    await fc.assert(
      fc.asyncProperty(payloads, fc.nat(), async (texts, cut) => {
        const bytes = file(texts);
        const scan = await read(bytes.subarray(0, cut % bytes.length));
        expect(scan.laterFrame).toBe(false);
        expect(scan.size).toBe(cut % bytes.length);
        expect(texts.slice(0, scan.texts.length)).toEqual(scan.texts);
      }),
    );
  });

  it('with any byte changed are whole up to it, and a later one is seen unless it was the last', async () => {
    await fc.assert(
      fc.asyncProperty(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), async (texts, place, flip) => {
        const bytes = file(texts);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const scan = await read(bytes);
        expect(scan.damaged).toBe(true);
        expect(scan.end).toBeLessThanOrEqual(at);
        expect(scan.laterFrame).toBe(scan.texts.length < texts.length - 1);
      }),
    );
  });

  it('out of any bytes never throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => void (await read(bytes))),
    );
  });
});
