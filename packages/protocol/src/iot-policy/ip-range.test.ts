import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpRange, plainAddress } from './ip-range.ts';

const holds = (range: string, address: string) => parseIpRange(range)?.(address);

describe('a range of addresses', () => {
  it.each([
    ['203.0.113.0/24', '203.0.113.255', '203.0.114.0'],
    ['203.0.113.77/24', '203.0.113.1', '203.0.112.255'],
    ['203.0.113.7', '203.0.113.7', '203.0.113.8'],
    ['0.0.0.0/0', '255.255.255.255', '::1'],
    ['::/0', 'ffff::', '127.0.0.1'],
    ['2001:db8::/33', '2001:db8:7fff::1', '2001:db8:8000::'],
    ['2001:db8::1', '2001:DB8:0:0::1', '2001:db8::2'],
    ['::ffff:10.0.0.0/104', '10.255.0.1', '11.0.0.0'],
    ['::ffff:0:0/95', '::fffe:0:1', '10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221', '192.0.2.33'],
  ])('%s holds %s and not %s', (range, inside, outside) => {
    expect(holds(range, inside)).toBe(true);
    expect(holds(range, outside)).toBe(false);
  });

  it('of IPv4 holds addresses that are mapped into IPv6, as a socket of both shows them', () => {
    expect(holds('192.0.2.0/24', '::ffff:192.0.2.9')).toBe(true);
    expect(holds('192.0.2.0/24', '::ffff:c000:209')).toBe(true);
    expect(holds('192.0.2.0/24', '::192.0.2.9')).toBe(false);
  });

  it('holds a link-local address whatever its zone', () => {
    expect(holds('fe80::/10', 'fe80::1%eth0')).toBe(true);
  });

  it.each(['', 'here', '10.0.0.256', '10.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8'])(
    '%j is none',
    (text) => {
      expect(parseIpRange(text)).toBeUndefined();
    },
  );

  it.each(['::/129', ':::', '1::2::3', 'fe80::1%eth0', '::1/064x', ' ::1'])('%j is none either', (text) => {
    expect(parseIpRange(text)).toBeUndefined();
  });

  it('holds no text that is not an address', () => {
    for (const text of ['', 'localhost', '10.0.0', '%']) expect(holds('0.0.0.0/0', text)).toBe(false);
  });

  it('holds what the block list of Node holds', () => {
    const range = fc.oneof(
      fc.record({
        base: fc.ipV4(),
        other: fc.ipV4(),
        length: fc.nat(32),
        family: fc.constant('ipv4' as const),
      }),
      fc.record({
        base: fc.ipV6(),
        other: fc.ipV6(),
        length: fc.nat(128),
        family: fc.constant('ipv6' as const),
      }),
    );
    fc.assert(
      fc.property(range, fc.boolean(), ({ base, other, length, family }, itself) => {
        fc.pre(!base.startsWith('::') && !other.startsWith('::'));
        const list = new BlockList();
        list.addSubnet(base, length, family);
        const address = itself ? base : other;
        expect(holds(`${base}/${length}`, address)).toBe(list.check(address, family));
      }),
      { numRuns: 500 },
    );
  });
});

describe('an address for comparison', () => {
  it('is IPv4 where it was mapped, and has no zone', () => {
    expect(plainAddress('::ffff:192.0.2.9')).toBe('192.0.2.9');
    expect(plainAddress('192.0.2.9')).toBe('192.0.2.9');
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(plainAddress('unknown')).toBeUndefined();
  });
});
