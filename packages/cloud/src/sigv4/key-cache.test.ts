import { signingKey } from '@ioto/protocol';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { EmbeddedCredentials } from '../platform/embedded/embedded-credentials.ts';
import type { CredentialOpener } from '../ports/credential-issuer.ts';
import { KeyCache } from './key-cache.ts';

function setting(most?: number) {
  const clock = new VirtualClock();
  const credentials = new EmbeddedCredentials({ secret: async () => Buffer.alloc(32, 7), clock });
  let opened = 0;
  const opener: CredentialOpener = {
    open(keys) {
      opened += 1;
      return credentials.open(keys);
    },
  };
  const issue = () =>
    credentials.issue({ kind: 'device', deviceId: 'D', accountId: 'A', generation: 1 }, 900);
  return { clock, issue, cache: new KeyCache({ opener, clock, most }), opened: () => opened };
}

describe('credentials that are kept opened', () => {
  it('are opened once, and sign with the same keys as without', async () => {
    const { issue, cache, opened } = setting();
    const keys = await issue();
    await cache.open(keys);
    const held = await cache.open(keys);
    expect([opened(), held.bearer.bearer]).toEqual([1, expect.objectContaining({ deviceId: 'D' })]);
    for (const day of ['20260101', '20260102']) {
      for (const service of ['logs', 'monitoring', 'logs']) {
        const scope = { day, region: 'local', service };
        expect(held.signingKey?.(scope)).toEqual(signingKey(keys.secretAccessKey, scope));
      }
    }
  });

  it('are kept no longer than they hold', async () => {
    const { clock, issue, cache } = setting();
    const keys = await issue();
    await cache.open(keys);
    await clock.advance(900_000);
    await expect(cache.open(keys)).rejects.toMatchObject({ code: 'ExpiredTokenException' });
  });

  it('serve nobody who has not all of them', async () => {
    const { issue, cache, opened } = setting();
    const [keys, others] = [await issue(), await issue()];
    await cache.open(keys);
    await cache.open(others);
    const forged = { ...keys, sessionToken: others.sessionToken };
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(cache.open(forged)).rejects.toMatchObject({ code: 'UnrecognizedClientException' });
    }
    // What was refused is not kept.
    expect(opened()).toBe(4);
  });

  it('are so many at most, those that were used last', async () => {
    const { issue, cache, opened } = setting(2);
    const [a, b, c] = [await issue(), await issue(), await issue()];
    for (const keys of [a, b, a, c, a]) await cache.open(keys);
    expect(opened()).toBe(3);
    await cache.open(b);
    expect(opened()).toBe(4);
  });
});
