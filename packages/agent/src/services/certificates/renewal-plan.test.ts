import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTime, type RenewalRecord, renewalStep, retryDelay, type Standing } from './renewal-plan.ts';

const DAY = 86_400_000;
const present = { serial: '0a800000', obtained: 0, expires: 300 * DAY };
const next: RenewalRecord = {
  ...{ stage: 'issued', replaces: present, newKey: false },
  ...{ serial: '0b', obtained: 200 * DAY, expires: 500 * DAY },
};
const standing = (more: Partial<Standing> = {}): Standing => ({
  ...{ now: 201 * DAY, present, renewal: undefined, notBefore: 0 },
  ...more,
});

describe('the next step of a renewal', () => {
  it('is to ask for a certificate once two thirds of its life are over', () => {
    expect(renewalStep(standing({ now: 199 * DAY }))).toBe('wait');
    expect(renewalStep(standing())).toBe('ask');
    expect(renewalStep(standing({ notBefore: 202 * DAY }))).toBe('wait');
  });

  it('is to prove what was issued, and then to put it in place', () => {
    expect(renewalStep(standing({ renewal: next }))).toBe('prove');
    expect(renewalStep(standing({ renewal: next, notBefore: 202 * DAY }))).toBe('wait');
    const proven: RenewalRecord = { ...next, stage: 'proven' };
    expect(renewalStep(standing({ renewal: proven }))).toBe('swap');
    // The power went after the certificate was in place, and before that was written down.
    const swapped = { ...present, serial: next.serial };
    expect(renewalStep(standing({ renewal: proven, present: swapped }))).toBe('swap');
  });

  it('is to drop what was asked for in place of another certificate, and what has ended', () => {
    const other = { ...present, serial: '0c' };
    expect(renewalStep(standing({ renewal: next, present: other }))).toBe('drop');
    expect(renewalStep(standing({ renewal: { ...next, stage: 'proven' }, present: other }))).toBe('drop');
    expect(renewalStep(standing({ renewal: next, now: 500 * DAY }))).toBe('drop');
  });
});

describe('the time at which a certificate is due', () => {
  it('is within a twentieth of its life of two thirds, and differs from one to the other', () => {
    const serial = fc.integer({ min: 0, max: 0xffffffff }).map((n) => n.toString(16));
    fc.assert(
      fc.property(serial, (each) => {
        const share = dueTime({ ...present, serial: each }) / present.expires;
        expect(Math.abs(share - 2 / 3)).toBeLessThanOrEqual(0.0501);
      }),
    );
    expect(dueTime({ ...present, serial: '01' })).not.toBe(dueTime({ ...present, serial: '01ffff' }));
    expect(dueTime({ ...present, serial: 'no hex' })).toBe(200 * DAY);
  });
});

describe('the wait after a renewal that failed', () => {
  it('is a tenth of what is left, between a minute and a day', () => {
    expect(retryDelay(present, 299 * DAY)).toBe(DAY / 10);
    expect(retryDelay(present, 200 * DAY)).toBe(DAY);
    expect(retryDelay(present, 301 * DAY)).toBe(60_000);
    expect(retryDelay({ ...present, expires: 60_000 }, 50_000)).toBe(3000);
  });
});
