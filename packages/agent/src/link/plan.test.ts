import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextStep, retryDelay, type Standing } from './plan.ts';

const NEW: Standing = {
  register: true,
  provision: true,
  mqtt: true,
  certificate: false,
  claimed: false,
  refused: false,
  reissue: false,
  expired: false,
};

describe('the next step towards the cloud', () => {
  it('is to register, then to provision, then to connect', () => {
    expect(nextStep(NEW)).toBe('register');
    expect(nextStep({ ...NEW, claimed: true })).toBe('provision');
    expect(nextStep({ ...NEW, claimed: true, certificate: true })).toBe('connect');
  });

  it('asks whether the device is still claimed only when its certificate was refused', () => {
    expect(nextStep({ ...NEW, claimed: true, certificate: true, refused: true })).toBe('confirm');
  });

  it('is a certificate anew when the device is still claimed', () => {
    expect(nextStep({ ...NEW, claimed: true, certificate: true, reissue: true })).toBe('provision');
  });

  it('is a certificate anew when the one that is held has ended, unless it was refused first', () => {
    const standing = { ...NEW, claimed: true, certificate: true, expired: true };
    expect(nextStep(standing)).toBe('provision');
    expect(nextStep({ ...standing, refused: true })).toBe('confirm');
    expect(nextStep({ ...standing, provision: false })).toBe('connect');
  });

  it('never registers a device that holds a certificate', () => {
    const standing = fc.record({
      register: fc.boolean(),
      provision: fc.boolean(),
      mqtt: fc.boolean(),
      claimed: fc.boolean(),
      refused: fc.boolean(),
      reissue: fc.boolean(),
      expired: fc.boolean(),
    });
    fc.assert(
      fc.property(standing, (rest) => {
        expect(nextStep({ ...rest, certificate: true })).not.toBe('register');
      }),
    );
  });

  it('is none where the service for it is off', () => {
    expect(nextStep({ ...NEW, register: false })).toBe('rest');
    expect(nextStep({ ...NEW, claimed: true, provision: false })).toBe('rest');
    expect(nextStep({ ...NEW, claimed: true, certificate: true, mqtt: false })).toBe('rest');
  });
});

describe('the delay before trying again', () => {
  it('is what the peer asked for, spread by up to a tenth, before the own backoff', () => {
    expect(retryDelay(3_600_000, 5000, 0)).toBe(3_600_000);
    expect(retryDelay(3_600_000, 5000, 1)).toBe(3_960_000);
    expect(retryDelay(undefined, 5000, 1)).toBe(5000);
  });

  it('is between a second and a day, whatever the peer asks for', () => {
    expect(retryDelay(0, 5000, 0.5)).toBe(1000);
    expect(retryDelay(1e12, 5000, 0.5)).toBe(86_400_000);
  });
});
