import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSealer } from './sealing.ts';

describe('a sealed token', () => {
  const key = randomBytes(32);
  const sealer = createSealer(async () => key);

  it('opens for the device that it was sealed for, with the same key', async () => {
    const sealed = await sealer.seal('secret ☂', 'JT08FFQXWQ');
    expect(sealed).not.toContain('secret');
    expect(await sealer.open(sealed, 'JT08FFQXWQ')).toBe('secret ☂');
    expect(await sealer.seal('secret ☂', 'JT08FFQXWQ')).not.toBe(sealed);
  });

  it('does not open altered, cut, for another device or with another key', async () => {
    const sealed = await sealer.seal('secret', 'JT08FFQXWQ');
    const altered = Buffer.from(sealed, 'base64url');
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    const other = createSealer(async () => randomBytes(32));
    for (const opening of [
      sealer.open(altered.toString('base64url'), 'JT08FFQXWQ'),
      sealer.open(sealed.slice(0, 20), 'JT08FFQXWQ'),
      sealer.open(sealed, 'JT08FFQXWR'),
      other.open(sealed, 'JT08FFQXWQ'),
    ]) {
      await expect(opening).rejects.toMatchObject({ code: 'SEAL_BROKEN' });
    }
  });
});
