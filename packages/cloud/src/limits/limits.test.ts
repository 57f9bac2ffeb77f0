import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey } from './address-key.ts';
import { GuessLimiter } from './guess-limiter.ts';
import { TokenBuckets } from './token-bucket.ts';

describe('token buckets', () => {
  it('let a burst pass, then say exactly how long to wait', async () => {
    const clock = new VirtualClock();
    const buckets = new TokenBuckets({ clock, rule: { burst: 3, period: 3000 } });
    expect([1, 2, 3].map(() => buckets.take('a'))).toEqual([0, 0, 0]);
    expect(buckets.take('a')).toBe(1000);
    expect(buckets.take('b')).toBe(0);
    await clock.advance(999);
    expect(buckets.take('a')).toBe(1);
    await clock.advance(1);
    expect(buckets.take('a')).toBe(0);
  });

  it('never let more pass than burst and time allow, whatever the times and a clock that is set back', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -2000, max: 2000 }), fc.integer({ min: 1, max: 2 })));
    fc.assert(
      fc.property(steps, (moves) => {
        const clock = new VirtualClock();
        const buckets = new TokenBuckets({ clock, rule: { burst: 5, period: 5000 } });
        let passed = 0;
        let forward = 0;
        for (const [ms, amount] of moves) {
          clock.jumpTo(clock.now() + ms);
          forward += Math.max(0, ms);
          if (buckets.take('a', amount) === 0) passed += amount;
        }
        expect(passed).toBeLessThanOrEqual(5 + forward / 1000);
      }),
    );
  });

  it('keep a bounded number of keys, and forget those that know nothing first', async () => {
    const clock = new VirtualClock();
    const buckets = new TokenBuckets({ clock, rule: { burst: 2, period: 1000 }, maxKeys: 10 });
    for (let n = 0; n < 9; n += 1) buckets.take(`old${n}`);
    await clock.advance(10_000);
    buckets.take('busy');
    buckets.take('busy');
    for (let n = 0; n < 50; n += 1) {
      buckets.take(`new${n}`);
      buckets.take('busy');
    }
    expect(buckets.size).toBeLessThanOrEqual(10);
    expect(buckets.take('busy')).toBeGreaterThan(0);
  });
});

describe('the guess limiter', () => {
  const rules = {
    account: { burst: 3, period: 3000 },
    address: { burst: 5, period: 5000 },
    total: { burst: 8, period: 8000 },
  };

  it('stops an account, an address, and everybody together, and says which', async () => {
    const clock = new VirtualClock();
    const limiter = new GuessLimiter({ clock, rules });
    const guess = (account: string, address: string) => () => limiter.admit({ account, address });
    for (let n = 0; n < 3; n += 1) guess('a', '1')();
    expect(guess('a', '2')).toThrow(
      expect.objectContaining({ code: 'GUESSES_EXCEEDED', details: { limit: 'account' } }),
    );
    guess('b', '1')();
    guess('c', '1')();
    expect(guess('d', '1')).toThrow(expect.objectContaining({ status: 429, details: { limit: 'address' } }));
    for (const n of ['2', '3', '4']) guess(n, n)();
    expect(guess('e', '5')).toThrow(
      expect.objectContaining({ retryAfter: 1000, details: { limit: 'total' } }),
    );
    await clock.advance(1000);
    guess('e', '5')();
  });

  it('counts guesses that are made at the same time before any of them is answered', () => {
    const limiter = new GuessLimiter({ clock: new VirtualClock(), rules });
    const admitted = Array.from({ length: 100 }, () => {
      try {
        return limiter.admit({ account: 'a', address: '1' });
      } catch {
        return undefined;
      }
    });
    expect(admitted.filter(Boolean)).toHaveLength(3);
  });

  it('costs nothing to those who are right', () => {
    const limiter = new GuessLimiter({ clock: new VirtualClock(), rules });
    for (let n = 0; n < 100; n += 1) {
      const guess = limiter.admit({ account: 'a', address: '1' });
      guess.right();
      guess.right();
    }
  });
});

describe('the key of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
    ['2001:0DB8:0000:0007::1', '2001:db8:0:7::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});
