import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DOORS } from '../front-door/doors.ts';
import { buildHandover, type Handover, LONGEST_HANDOVER, readHandover } from './handover.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const handovers: fc.Arbitrary<Handover> = fc.record({
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  door: fc.constantFrom(...DOORS),
  peer: fc.record({
    remoteAddress: fc.oneof(fc.ipV4(), fc.ipV6(), text),
    certificate: fc.option(fc.record({ deviceId: text, serial: text }), { nil: undefined }),
  }),
});

const one: Handover = {
  secret: randomBytes(32),
  door: 'mqtt',
  peer: { remoteAddress: '192.0.2.7', certificate: { deviceId: 'JT08FFQXWQ', serial: '0a1b' } },
};

describe('the header of a connection that a worker hands on', () => {
  it('is read as it was built, and no further', () => {
    fc.assert(
      fc.property(handovers, fc.uint8Array({ maxLength: 50 }), (handover, rest) => {
        const header = buildHandover(handover);
        const read = readHandover(Buffer.concat([header, rest]));
        expect(read).toEqual({ state: 'complete', handover, length: header.length });
      }),
    );
  });

  it('is waited for while it is not whole', () => {
    const header = buildHandover(one);
    for (let length = 0; length < header.length; length += 1)
      expect(readHandover(header.subarray(0, length))).toEqual({ state: 'incomplete' });
  });

  it('is refused where it is none, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['incomplete', 'malformed', 'complete']).toContain(readHandover(Buffer.from(bytes)).state);
      }),
    );
    const header = buildHandover(one);
    fc.assert(
      fc.property(fc.nat(header.length - 1), fc.nat(127), (at, value) => {
        const bytes = Buffer.from(header);
        bytes[at] = value;
        const read = readHandover(bytes);
        if (read.state !== 'complete') return;
        expect(buildHandover(read.handover)).toEqual(bytes.subarray(0, read.length));
      }),
      { numRuns: 2000 },
    );
  });

  it('names one of the doors, and says all of a certificate or nothing', () => {
    const door = buildHandover(one);
    door[2 + 32] = DOORS.length;
    expect(readHandover(door)).toEqual({ state: 'malformed' });
    const serial = Buffer.byteLength('0a1b') + 2;
    const half = buildHandover(one).subarray(0, -serial);
    half.writeUInt16BE(half.length - 2);
    expect(readHandover(half)).toEqual({ state: 'malformed' });
    const bare = Buffer.alloc(2 + 33);
    bare.writeUInt16BE(33);
    expect(readHandover(bare)).toEqual({ state: 'malformed' });
  });

  it('is not built longer than it may be, and not waited for when it announces that', () => {
    const deviceId = 'x'.repeat(LONGEST_HANDOVER);
    const peer = { remoteAddress: '192.0.2.7', certificate: { deviceId, serial: '0a' } };
    expect(() => buildHandover({ ...one, peer })).toThrow(RangeError);
    expect(() => buildHandover({ ...one, secret: Buffer.alloc(31) })).toThrow(RangeError);
    const announced = Buffer.alloc(2);
    announced.writeUInt16BE(LONGEST_HANDOVER);
    expect(readHandover(announced)).toEqual({ state: 'malformed' });
  });
});
