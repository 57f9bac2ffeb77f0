import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BuilderWorld, builderWorld, newIdentity } from '../builder.fixture.ts';
import type { Product } from '../products/product.ts';

const ID = 'JT08FFQXWQ';

let world: BuilderWorld;
let product: Product;

beforeEach(async () => {
  world = await builderWorld();
  product = await world.builder.products.create({ name: 'Lamp' });
});

afterEach(() => world[Symbol.asyncDispose]());

function register(body: object, token = product.id) {
  return world.call('/device/register', token, { id: ID, product: product.id, ...body });
}

/** Binds the device to an account of a cloud. */
function bind(cloud: { key: string }, more: object = {}) {
  return world.call('/cloud/bind', cloud.key, {
    id: ID,
    accountId: 'A1',
    generation: 1,
    token: 'token-in-clear',
    ...more,
  });
}

describe('register', () => {
  it('notes what a device says of itself, in the time of the builder', async () => {
    const device = {
      name: 'Lamp 1',
      model: 'L',
      test: 1,
      created: '1970-01-01T00:00:00.000Z',
      colour: 'red',
    };
    expect(await register(device)).toEqual({ status: 200, body: { registered: true } });
    const { body } = await world.admin('/registration/get', { id: ID });
    expect(body).toMatchObject({
      id: ID,
      product: product.id,
      name: 'Lamp 1',
      model: 'L',
      test: true,
      claimed: false,
    });
    expect(body).toMatchObject({
      properties: { colour: 'red' },
      registered: new Date(world.clock.now()).toISOString(),
    });
    expect(body.created).toBeUndefined();
  });

  it('is idempotent: a waiting device costs a write a minute at most', async () => {
    let writes = 0;
    world.store.onChange(() => (writes += 1));
    await register({});
    const first = writes;
    for (let n = 0; n < 20; n += 1) await register({});
    expect(writes).toBe(first);
    await world.clock.advance(60_000);
    await register({});
    expect(writes).toBe(first + 1);
    await register({ name: 'renamed' });
    expect(writes).toBe(first + 2);
  });

  it('gives a claimed device its cloud, account and token', async () => {
    await register({});
    const cloud = await world.cloud('Europe');
    expect((await bind(cloud)).status).toBe(200);
    expect((await register({})).body).toEqual({
      registered: true,
      id: ID,
      product: product.id,
      api: 'https://Europe/api',
      token: 'token-in-clear',
      accountId: 'A1',
      cloudType: 'dedicated',
      cloudName: 'Europe',
      cloudRegion: 'eu',
    });
    const stored = await world.store.get(`registration#${ID}`, 'registration');
    expect(JSON.stringify(stored)).not.toContain('token-in-clear');
  });

  it.each([
    ['lower case', 'jt08ffqxwq'],
    ['too short', 'JT08FFQXW'],
    ['too long', 'A'.repeat(21)],
    ['with a letter that is none', 'JT08FFQXWU'],
    ['with a path in it', '../../etc/passwd'],
  ])('refuses an ID that is %s', async (_name, id) => {
    expect(await register({ id })).toMatchObject({ status: 400, body: { code: 'CLAIM_ID_MALFORMED' } });
  });

  it('refuses an unknown, disabled and expired token with 401, and takes it again when it is enabled', async () => {
    const refusal = async (token = product.id) => (await register({}, token)).body.code;
    expect(await refusal('01HZZZZZZZZZZZZZZZZZZZZZZZ')).toBe('PRODUCT_UNKNOWN');
    expect(await refusal('')).toBe('PRODUCT_UNKNOWN');
    await world.admin('/product/disable', { id: product.id });
    expect(await refusal()).toBe('PRODUCT_DISABLED');
    await world.admin('/product/enable', { id: product.id });
    await world.admin('/product/expire', {
      id: product.id,
      expires: new Date(world.clock.now() + 1000).toISOString(),
    });
    expect(await refusal()).toBeUndefined();
    await world.clock.advance(1000);
    expect(await refusal()).toBe('PRODUCT_EXPIRED');
    await world.admin('/product/expire', { id: product.id, expires: null });
    expect(await refusal()).toBeUndefined();
  });

  it('takes each of several tokens of a product, also where the device names it as its product', async () => {
    const { body } = await world.admin('/product/addToken', { id: product.id, name: 'second line' });
    const second = (body.tokens as { token: string }[])[1]?.token ?? '';
    expect(second).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect((await register({ product: second }, second)).status).toBe(200);
    await world.admin('/product/disable', { id: second });
    expect((await register({}, second)).status).toBe(401);
    expect((await register({})).status).toBe(200);
  });

  it('refuses an ID that is registered for another product, and changes nothing', async () => {
    await register({ name: 'mine' });
    const other = await world.builder.products.create({ name: 'Kettle' });
    const stolen = await register({ name: 'theirs', product: other.id }, other.id);
    expect(stolen).toMatchObject({ status: 409, body: { code: 'PRODUCT_CONFLICT' } });
    expect((await register({ product: other.id })).status).toBe(409);
    expect((await world.admin('/registration/get', { id: ID })).body).toMatchObject({ name: 'mine' });
  });

  it('bounds what a device may add, and how often it asks', async () => {
    const big = await register({ notes: 'x'.repeat(9000) });
    expect(big).toMatchObject({ status: 413, body: { code: 'REGISTRATION_TOO_LARGE' } });
    expect((await register({ notes: 'x'.repeat(40_000) })).body.code).toBe('BODY_TOO_LARGE');
    const statuses = [];
    for (let n = 0; n < 61; n += 1) statuses.push((await register({})).status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(58);
    expect(statuses.at(-1)).toBe(429);
  });

  it('lets the polling of agents in the field pass for ever', async () => {
    for (let reboot = 0; reboot < 5; reboot += 1) {
      for (let wait = 1250; wait < 8000; wait += 250) {
        await world.clock.advance(wait);
        expect((await register({}, product.id)).status).toBe(200);
      }
    }
  });
});

describe('the long poll', () => {
  it('is answered the moment the claim happens', async () => {
    const cloud = await world.cloud();
    await register({});
    const waiting = register({ wait: 60 });
    await world.clock.advance(5000);
    await bind(cloud);
    expect((await waiting).body).toMatchObject({ api: 'https://Cloud/api', token: 'token-in-clear' });
  });

  it('is answered as unclaimed when time is up', async () => {
    const waiting = register({ wait: 30 });
    await world.clock.advance(29_999);
    const still = await Promise.race([waiting, Promise.resolve('waiting')]);
    expect(still).toBe('waiting');
    await world.clock.advance(1);
    expect((await waiting).body).toEqual({ registered: true });
  });

  it('of a device that asks again and again keeps no more than two open', async () => {
    const polls = [1, 2, 3].map(() => register({ wait: 300 }));
    expect((await Promise.race(polls)).body).toEqual({ registered: true });
    await world.clock.advance(300_000);
    await Promise.all(polls);
  });
});

describe('the pinned key', () => {
  const device = newIdentity();
  const impostor = newIdentity();
  const signed = (body: object, key = device.privateKey) =>
    world.signed('/device/register', product.id, { id: ID, product: product.id, ...body }, key);

  it('of the first register must sign every later one', async () => {
    await register({ publicKey: device.publicKey });
    expect((await signed({})).status).toBe(200);
    expect(await register({})).toMatchObject({ status: 401, body: { code: 'SIGNATURE_MISSING' } });
    const forged = await signed({ publicKey: impostor.publicKey }, impostor.privateKey);
    expect(forged).toMatchObject({ status: 401, body: { code: 'SIGNATURE_INVALID' } });
    expect((await world.admin('/registration/get', { id: ID })).body.publicKey).toBe(device.publicKey);
  });

  it('is over the exact body, path and time', async () => {
    await register({ publicKey: device.publicKey });
    const { signRequest, SIGNATURE_HEADER } = await import('@ioto/protocol');
    const body = { id: ID, product: product.id };
    const sign = (parts: object, now = world.clock.now()) =>
      signRequest(
        { method: 'POST', path: '/api/device/register', body: JSON.stringify(body), ...parts },
        device.privateKey,
        now,
      );
    const send = (signature: string) =>
      world.call('/device/register', product.id, body, { [SIGNATURE_HEADER]: signature });
    expect((await send(sign({}))).status).toBe(200);
    expect((await send(sign({ body: '{}' }))).status).toBe(401);
    expect((await send(sign({ path: '/api/device/registers' }))).status).toBe(401);
    expect((await send(sign({}, world.clock.now() - 301_000))).body.code).toBe('SIGNATURE_DATE');
    expect((await send('nonsense')).body.code).toBe('SIGNATURE_MALFORMED');
  });

  it('keeps an impostor from the token of a claim, and records the attempt', async () => {
    await register({ publicKey: device.publicKey });
    await bind(await world.cloud());
    const forged = await signed({}, impostor.privateKey);
    expect(JSON.stringify(forged.body)).not.toContain('token-in-clear');
    for (let n = 0; n < 20; n += 1) await register({});
    const { entries } = await world.audit.find('builder');
    expect(world.logged.join()).toContain(ID.slice(0, 4));
    expect(world.logged.join()).not.toContain(ID);
    const denials = entries.filter(({ action }) => action === 'device.impostor-denied');
    expect(denials[0]).toMatchObject({ deviceId: ID, accountId: 'A1', address: '127.0.0.1' });
    expect(denials).toHaveLength(5);
  });

  it('keeps an impostor from using up the calls and the long polls of the device', async () => {
    await register({ publicKey: device.publicKey });
    let answered = false;
    const poll = signed({ wait: 300 }).then((answer) => {
      answered = true;
      return answer;
    });
    for (let n = 0; n < 100; n += 1) expect((await register({ wait: 300 })).status).toBe(401);
    expect(answered).toBe(false);
    expect((await signed({})).status).toBe(200);
    await bind(await world.cloud());
    expect((await poll).body).toMatchObject({ token: 'token-in-clear' });
  });

  it('is not taken from a device that registered without one', async () => {
    await register({});
    await register({ publicKey: impostor.publicKey });
    expect((await register({})).status).toBe(200);
  });

  it('must be an EC P-256 public key', async () => {
    expect((await register({ publicKey: 'nonsense' })).body.code).toBe('PUBLIC_KEY_MALFORMED');
    const privatePem = device.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect((await register({ publicKey: privatePem })).body.code).toBe('PUBLIC_KEY_MALFORMED');
  });

  it('is demanded by a product that says so', async () => {
    await world.admin('/product/update', { id: product.id, requireKey: true });
    expect(await register({})).toMatchObject({ status: 401, body: { code: 'KEY_REQUIRED' } });
    expect((await register({ publicKey: device.publicKey })).status).toBe(200);
  });

  it('stays after a release, unless the release drops it', async () => {
    const cloud = await world.cloud();
    await register({ publicKey: device.publicKey });
    await bind(cloud);
    await world.call('/cloud/release', cloud.key, { id: ID, generation: 1 });
    expect((await register({ publicKey: impostor.publicKey })).status).toBe(401);
    await bind(cloud, { generation: 3 });
    await world.call('/cloud/release', cloud.key, { id: ID, generation: 3, forgetKey: true });
    expect((await register({ publicKey: impostor.publicKey })).status).toBe(200);
    expect((await signed({})).status).toBe(401);
  });
});

describe('more new devices than a production line makes', () => {
  const newcomers = { burst: 2, period: 3_600_000 };
  const agent = (id: string, headers = {}) => world.call('/device/register', product.id, { id }, headers);

  it('are sent away for a while, each agent in its own dialect, while those that are known stay welcome', async () => {
    await world[Symbol.asyncDispose]();
    world = await builderWorld({ newcomers });
    product = await world.builder.products.create({ name: 'Lamp' });
    expect((await agent('not an ID')).status).toBe(400);
    for (const id of ['AAAAAAAAAA', 'BBBBBBBBBB', 'AAAAAAAAAA']) expect((await agent(id)).status).toBe(200);
    const refused = { code: 'NEWCOMERS_EXCEEDED', delay: 1800 };
    expect(await agent('CCCCCCCCCC')).toMatchObject({ status: 429, body: refused });
    expect(await agent('CCCCCCCCCC', { 'ioto-agent': '' })).toMatchObject({ status: 200, body: refused });
    expect((await agent('BBBBBBBBBB')).body).toEqual({ registered: true });
    await world.clock.advance(1_800_000);
    expect((await agent('CCCCCCCCCC')).body).toEqual({ registered: true });
  });
});
