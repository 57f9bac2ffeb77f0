import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CredentialBearer } from '../../ports/credential-issuer.ts';
import { EmbeddedCredentials } from './embedded-credentials.ts';

const DEVICE: CredentialBearer = {
  ...{ kind: 'device', deviceId: 'JT08FFQXWQ' },
  ...{ accountId: '01J0000000000000000000000A', generation: 3 },
};
const TOOL: CredentialBearer = {
  ...{ kind: 'tool', accountId: '01J0000000000000000000000A', role: 'user' },
  sponsor: { by: 'login', userId: 'U', tokenId: 'T' },
};

function credentials(secret = 1) {
  const clock = new VirtualClock();
  return { clock, issuer: new EmbeddedCredentials({ secret: async () => Buffer.alloc(32, secret), clock }) };
}

const codeOf = (outcome: Promise<unknown>) =>
  outcome.then(
    () => 'opened',
    (error) => error.code,
  );

describe('a credential', () => {
  it('looks like one of AWS’s, opens as what it was issued for, and needs nothing stored', async () => {
    const { issuer, clock } = credentials();
    const again = new EmbeddedCredentials({ secret: async () => Buffer.alloc(32, 1), clock });
    for (const bearer of [DEVICE, TOOL]) {
      const { expires, secretAccessKey, ...keys } = await issuer.issue(bearer, 900);
      expect(keys.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
      expect(secretAccessKey).toMatch(/^[\w+/]{40}$/);
      expect(Date.parse(expires)).toBe(Math.floor(clock.now() / 1000) * 1000 + 900_000);
      const opened = await again.open(keys);
      expect(opened).toEqual({
        secret: secretAccessKey,
        bearer: { bearer, expires: Date.parse(expires) },
      });
    }
  });

  it('says nothing of its bearer to who cannot open it, and is never the same twice', async () => {
    const { issuer } = credentials();
    const [one, two] = [await issuer.issue(DEVICE, 900), await issuer.issue(DEVICE, 900)];
    const bytes = Buffer.from(one.sessionToken, 'base64url').toString('latin1');
    expect(bytes).not.toContain('JT08FFQXWQ');
    expect([one.sessionToken === two.sessionToken, one.secretAccessKey === two.secretAccessKey]).toEqual([
      false,
      false,
    ]);
  });

  it('ends at its time', async () => {
    const { issuer, clock } = credentials();
    const keys = await issuer.issue(DEVICE, 900);
    await clock.advance(899_000);
    expect(await codeOf(issuer.open(keys))).toBe('opened');
    await clock.advance(1000);
    expect(await codeOf(issuer.open(keys))).toBe('ExpiredTokenException');
  });

  it('of another cloud, with another access key, without token or with any byte changed does not open', async () => {
    const { issuer } = credentials();
    const keys = await issuer.issue(DEVICE, 900);
    const other = await issuer.issue(DEVICE, 900);
    for (const wrong of [
      await credentials(2).issuer.issue(DEVICE, 900),
      { ...keys, accessKeyId: other.accessKeyId },
      { ...keys, sessionToken: undefined },
      { ...keys, sessionToken: '' },
      { ...keys, sessionToken: `${keys.sessionToken}=` },
    ]) {
      expect(await codeOf(issuer.open(wrong))).toBe('UnrecognizedClientException');
    }
    const { sessionToken } = keys;
    await fc.assert(
      fc.asyncProperty(fc.nat(sessionToken.length - 1), fc.base64String({ minLength: 4 }), async (at, to) => {
        const changed = sessionToken.slice(0, at) + to[0] + sessionToken.slice(at + 1);
        if (changed === sessionToken) return;
        expect(await codeOf(issuer.open({ ...keys, sessionToken: changed }))).toBe(
          'UnrecognizedClientException',
        );
      }),
    );
  });
});
