import { describe, expect, it } from 'vitest';
import { Site } from './site.ts';

describe('a site', () => {
  it('has a cloud with a product and an owner who is signed in', async () => {
    await using site = await Site.create();
    const { status, json } = await site.call('/user/self');
    expect(status).toBe(200);
    expect(json).toMatchObject({ email: site.owner.email, accountId: site.owner.accountId });
  });

  it('makes devices that are claimed and in sync', async () => {
    await using site = await Site.create();
    const agent = await site.readyDevice();
    expect(agent.status).toMatchObject({ phase: 'ready', id: agent.id });
    const { json } = await site.call('/device/get', { id: agent.id });
    expect(json).toMatchObject({ id: agent.id, connection: 'online' });
  });
});
