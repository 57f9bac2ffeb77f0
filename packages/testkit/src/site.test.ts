import { describe, expect, it } from 'vitest';
import { Site } from './site.ts';

describe('a site', () => {
  it('has a cloud with a product and an owner who is signed in', async () => {
    await using site = await Site.create();
    const { status, json } = await site.call('/user/self');
    expect(status).toBe(200);
    expect(json).toMatchObject({ email: site.owner.email, accountId: site.owner.accountId });
  });
});
