import { newClaimId } from '@ioto/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BuilderWorld, builderWorld } from '../builder.fixture.ts';
import type { Product } from '../products/product.ts';

const ID = 'JT08FFQXWQ';

let world: BuilderWorld;
let product: Product;
let cloud: { id: string; key: string };
let other: { id: string; key: string };

beforeEach(async () => {
  world = await builderWorld();
  product = await world.builder.products.create({ name: 'Lamp' });
  cloud = await world.cloud('Europe');
  other = await world.cloud('Asia');
});

afterEach(() => world[Symbol.asyncDispose]());

const register = (more: object = {}) => world.call('/device/register', product.id, { id: ID, ...more });
const bind = (more: object = {}, key = cloud.key) =>
  world.call('/cloud/bind', key, { id: ID, accountId: 'A1', generation: 1, token: 'T', ...more });
const release = (generation: number, key = cloud.key) =>
  world.call('/cloud/release', key, { id: ID, generation });
const find = (body: object, key = cloud.key) => world.call('/cloud/find', key, body);

describe('a cloud key', () => {
  it('is the only way in, and is shown once', async () => {
    const made = (await world.admin('/cloud/create', { name: 'New' })).body;
    const key = String(made.key);
    expect((await find({ pending: true }, key)).status).toBe(200);
    for (const wrong of [
      '',
      'nonsense',
      key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A'),
      key.replace(/_[^_]*$/, ''),
    ]) {
      expect((await find({ id: ID }, wrong)).body).toMatchObject({ code: 'CLOUD_KEY_INVALID' });
    }
    const listed = await world.admin('/cloud/list', {});
    expect(JSON.stringify(listed.body)).not.toContain(key);
    expect(JSON.stringify(await world.store.query('cloud#'))).not.toContain(key);
  });

  it('does not serve to search for claim IDs, and one cloud’s misses are not another’s', async () => {
    await register();
    const ids = Array.from({ length: 5001 }, () => newClaimId());
    const answers = await Promise.all(ids.map((id) => find({ id })));
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1);
    expect(await bind({ id: newClaimId(), pre: true })).toMatchObject({ body: { code: 'GUESSES_EXCEEDED' } });
    expect((await find({ id: ID }, other.key)).body).toMatchObject({ device: { id: ID } });
    await world.clock.advance(3_600_000);
    for (let n = 0; n < 6; n += 1) expect((await find({ id: ID })).status).toBe(200);
  });

  it('lets a cloud say where devices are redirected to', async () => {
    const facts = { name: 'Europe 2', type: 'hosted', region: 'eu-2', api: 'https://eu2/api' };
    expect((await world.call('/cloud/register', cloud.key, facts)).body).toEqual({ id: cloud.id, ...facts });
    await register();
    await bind();
    expect((await register()).body).toMatchObject({ api: 'https://eu2/api', cloudType: 'hosted' });
  });
});

describe('bind', () => {
  it('needs a device that has registered, and says what to do', async () => {
    const refused = await bind();
    expect(refused).toMatchObject({ status: 404, body: { code: 'DEVICE_NOT_REGISTERED' } });
    expect(refused.body.error).toMatch(/power it on/);
  });

  it('is answered with the binding that stands when it stands already', async () => {
    await register();
    const first = await bind();
    expect(first.body).toMatchObject({
      id: ID,
      generation: 1,
      accountId: 'A1',
      claimed: true,
      product: product.id,
    });
    const again = await bind({ generation: 7, token: 'other' });
    expect(again.body).toEqual(first.body);
    expect((await register()).body.token).toBe('T');
  });

  it('is refused to another account and another cloud, who learn nothing of whose it is', async () => {
    await register();
    await bind();
    for (const refused of [
      await bind({ accountId: 'A2', generation: 2 }),
      await bind({ generation: 2 }, other.key),
    ]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'DEVICE_CLAIMED' } });
      expect(JSON.stringify(refused.body)).not.toContain('A1');
    }
    expect((await find({ id: ID }, other.key)).body.device).toMatchObject({ claimed: true });
    expect((await find({ id: ID }, other.key)).body.device).not.toHaveProperty('accountId');
  });

  it('is refused for another product and a stale generation', async () => {
    await register();
    expect((await bind({ product: 'other' })).body.code).toBe('PRODUCT_CONFLICT');
    expect((await bind({ generation: 2 })).body.code).toBe('GENERATION_STALE');
    expect((await bind({ generation: 0 })).status).toBe(400);
    expect((await bind({ id: 'nonsense' })).body.code).toBe('CLAIM_ID_MALFORMED');
    expect((await bind()).status).toBe(200);
  });

  it('lets exactly one of many rivals win', async () => {
    await register();
    const rivals = await Promise.all(Array.from({ length: 10 }, (_, n) => bind({ accountId: `A${n}` })));
    expect(rivals.filter(({ status }) => status === 200)).toHaveLength(1);
    const { entries } = await world.audit.find('builder');
    expect(entries.filter(({ action }) => action === 'device.claimed')).toHaveLength(1);
  });
});

describe('release', () => {
  it('raises the generation and frees the device, once', async () => {
    await register();
    await bind();
    expect((await release(1)).status).toBe(200);
    expect((await register()).body).toEqual({ registered: true });
    expect((await find({ id: ID })).body.device).toMatchObject({ generation: 2, claimed: false });
    expect((await bind({ accountId: 'A2', generation: 3 }, other.key)).status).toBe(200);
    expect((await release(1)).status).toBe(200);
    expect((await release(3)).status).toBe(200);
    expect((await find({ id: ID }, other.key)).body.device).toMatchObject({ generation: 3, accountId: 'A2' });
  });

  it('is recorded with the bind that it ends', async () => {
    await register();
    await bind();
    await release(1);
    const { entries } = await world.audit.find('builder');
    expect(entries.map(({ action, actor, accountId }) => [action, actor, accountId])).toEqual([
      ['device.released', `cloud:${cloud.id}`, 'A1'],
      ['device.claimed', `cloud:${cloud.id}`, 'A1'],
    ]);
  });
});

describe('a claim in advance', () => {
  it('completes at the first register, and the cloud is told', async () => {
    expect((await bind({ pre: true, product: product.id })).body).toMatchObject({
      generation: 1,
      claimed: true,
    });
    const waiting = find({ pending: true, wait: 60 });
    await world.clock.advance(1000);
    expect((await register({ name: 'Lamp 1' })).body).toMatchObject({ accountId: 'A1', token: 'T' });
    expect((await waiting).body.completed).toMatchObject([{ id: ID, name: 'Lamp 1', accountId: 'A1' }]);
    expect((await find({ pending: true })).body).toEqual({ selfClaims: [], completed: [] });
    await world.clock.advance(60_000);
    expect((await find({ pending: true })).body.completed).toHaveLength(1);
    await world.clock.advance(60_000);
    expect((await find({ pending: true, done: [ID] })).body.completed).toEqual([]);
  });

  it('is for the product that it was made for', async () => {
    await bind({ pre: true, product: 'another' });
    expect((await register()).body.code).toBe('PRODUCT_CONFLICT');
  });
});

describe('a self-claim', () => {
  const wish = () => register({ account: 'A1', cloud: cloud.id });

  it('waits for the cloud that it names, and for no other', async () => {
    const waiting = find({ pending: true, wait: 60 });
    const elsewhere = find({ pending: true, wait: 1 }, other.key);
    await world.clock.advance(0);
    expect((await wish()).body).toEqual({ registered: true });
    expect((await waiting).body.selfClaims).toMatchObject([
      { accountId: 'A1', registration: { id: ID, claimed: false } },
    ]);
    await world.clock.advance(1000);
    expect((await elsewhere).body).toEqual({ selfClaims: [], completed: [] });
  });

  it('is kept for a cloud that is away, and is over when the cloud binds or denies it', async () => {
    await wish();
    await world.clock.advance(3_600_000);
    expect((await find({ pending: true })).body.selfClaims).toHaveLength(1);
    await bind();
    await world.clock.advance(120_000);
    expect((await find({ pending: true })).body.selfClaims).toEqual([]);
    await wish();
    expect((await find({ pending: true })).body.selfClaims).toEqual([]);
    expect((await wish()).body).toMatchObject({ accountId: 'A1' });
  });

  it('that was denied comes again while the device asks, once a minute at most', async () => {
    await wish();
    await find({ pending: true });
    await find({ pending: true, done: [ID] });
    for (let n = 0; n < 5; n += 1) await wish();
    expect((await find({ pending: true })).body.selfClaims).toEqual([]);
    await world.clock.advance(60_000);
    await wish();
    expect((await find({ pending: true })).body.selfClaims).toHaveLength(1);
  });

  it('is told however many others nobody deals with', async () => {
    const pk = `cloud-queue#${cloud.id}`;
    const strays = Array.from({ length: 2500 }, (_, n) => ({
      put: { pk, sk: `self#${'0'.repeat(6)}${n}`, id: newClaimId() },
    }));
    for (let at = 0; at < strays.length; at += 500) await world.store.write(strays.slice(at, at + 500));
    await register({ account: 'A1', cloud: cloud.id });
    const told: string[] = [];
    for (let asked = 0; asked < 30 && !told.includes(ID); asked += 1) {
      const { selfClaims = [] } = (await find({ pending: true })).body as {
        selfClaims?: { registration: { id: string } }[];
      };
      told.push(...selfClaims.map(({ registration }) => registration.id));
    }
    expect(told).toContain(ID);
  });

  it('to a cloud that does not exist harms nobody', async () => {
    for (const name of ['nonsense', 'x\0y', '01HZZZZZZZZZZZZZZZZZZZZZZZ']) {
      await world.clock.advance(60_000);
      expect((await register({ account: 'A', cloud: name })).status).toBe(200);
    }
    expect((await world.store.query('cloud-queue#01HZZZZZZZZZZZZZZZZZZZZZZZ')).items).toEqual([]);
  });
});

describe('who may manage a builder', () => {
  it('holds a builder API token, which opens nothing else', async () => {
    const { token } = await world.tokens.create({ type: 'builderApi', role: 'admin' });
    const { token: cloudToken } = await world.tokens.create({ type: 'cloudApi', role: 'owner' });
    expect((await world.call('/tok/product/find', token, {})).body.items).toHaveLength(1);
    expect((await world.call('/product/create', cloudToken, { name: 'x' })).status).toBe(403);
    expect((await world.call('/product/create', product.id, { name: 'x' })).status).toBe(401);
    expect(
      (await world.call('/cloud/bind', token, { id: ID, accountId: 'A', generation: 1, token: 'T' })).status,
    ).toBe(401);
  });

  it('sees the devices of a product, without their tokens', async () => {
    await register();
    await bind();
    const { body } = await world.admin('/registration/find', { product: product.id });
    expect(body.items).toMatchObject([{ id: ID, claimed: true, cloudId: cloud.id, accountId: 'A1' }]);
    expect(JSON.stringify(body)).not.toContain('sealedToken');
  });
});
