import { generateKeyPairSync } from 'node:crypto';
import { callApi, TestAuthority, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const register = (product: string, body: object) =>
  world.cloud.call('/device/register', { bearer: product, body });

describe('a product', () => {
  it('that is unknown registers no device', async () => {
    const { status, json } = await register('01HZZZZZZZZZZZZZZZZZZZZZZZ', { id: 'NKN0WNPRDT' });
    expect(status).toBe(401);
    expect(json.error).toBeTypeOf('string');
    expect((await world.claim('NKN0WNPRDT')).status).toBe(404);
  });

  it('that is disabled registers no device until it is enabled again', async () => {
    const product = await world.cloud.id(['product', 'create', 'Kettle']);
    await world.cloud.id(['product', 'disable', product]);
    expect((await register(product, { id: 'D1SAB1ED00' })).status).toBe(401);
    await world.cloud.id(['product', 'enable', product]);
    expect((await register(product, { id: 'D1SAB1ED00' })).status).toBeLessThan(300);
  });

  it('that is expired registers no device', async () => {
    const product = await world.cloud.id(['product', 'create', 'Heater']);
    await world.cloud.id(['product', 'expire', product]);
    expect((await register(product, { id: 'EXP1RED000' })).status).toBe(401);
  });

  it('that is disabled is told to the device, which tries again and serves its own web page meanwhile', async () => {
    const product = await world.cloud.id(['product', 'create', 'Fan']);
    await world.cloud.id(['product', 'disable', product]);
    const device = await world.device({ product });
    const program = world.switchOn(device);
    await program.waitFor(/401|PRODUCT_[A-Z]+|disabled/);
    const [, port] = await program.waitFor(/127\.0\.0\.1:(\d+)/);
    expect((await callApi({ url: `http://127.0.0.1:${port}/`, method: 'GET' })).status).toBe(200);
    await world.cloud.id(['product', 'enable', product]);
    await world.registered(device);
    await program.kill();
  });

  it('of another maker does not take over a registered ID', async () => {
    const other = await world.cloud.id(['product', 'create', 'Toaster']);
    expect((await register(world.product, { id: 'JT08FFQXWQ' })).status).toBeLessThan(300);
    expect((await register(other, { id: 'JT08FFQXWQ' })).status).toBe(409);
    expect((await register(world.product, { id: 'JT08FFQXWQ' })).status).toBeLessThan(300);
  });
});

describe('a claim', () => {
  it.each(['', 'short', 'JT08FFQXWU', '../../x', 'JT08FFQXWQJT08FFQXWQ0', 'JT08 FFQX'])(
    'of the malformed ID "%s" is refused with 400',
    async (id) => {
      const owner = await world.newOwner(
        'Typist',
        `typist-${encodeURIComponent(id).replace(/[^a-z0-9]/gi, '')}@example.com`,
      );
      expect((await world.claim(id, owner)).status).toBe(400);
    },
  );

  it('typed with blanks, dashes, small letters, I, L and O is understood', async () => {
    expect((await register(world.product, { id: 'A10B10C100' })).status).toBeLessThan(300);
    const { status, json } = await world.claim(' aioB-LO cloo ');
    expect(status).toBe(200);
    expect(json.id).toBe('A10B10C100');
  });

  it('of an ID that never registered is refused with the hint to power it on', async () => {
    const { status, json } = await world.claim('NEVERSEEN0');
    expect(status).toBe(404);
    expect(json.error).toMatch(/power/i);
  });

  it('of a device of another account is refused and changes nothing', async () => {
    const rival = await world.newOwner('Rival', 'rival@example.com');
    const { id } = await world.connectedDevice();
    expect((await world.claim(id, rival)).status).toBe(409);
    expect((await world.show(id)).accountId).toBe(world.owner.accountId);
    expect((await world.claim(id)).status).toBe(200);
    for (const owner of [world.owner, rival]) {
      expect((await world.audit(owner))[0]).toMatchObject({ action: 'device.claim-denied' });
    }
  });

  it("without a login, or with a stranger's token, is refused", async () => {
    for (const bearer of [undefined, 'nonsense', world.product]) {
      const { status } = await world.cloud.call('/device/claim', { bearer, body: { id: 'JT08FFQXWQ' } });
      expect(status).toBe(401);
    }
  });

  it('made in advance completes when the device first registers', async () => {
    const body = { id: 'PRECMA1MED', pre: true };
    const { status } = await world.cloud.call('/device/claim', { bearer: world.owner.token, body });
    expect(status).toBeLessThan(300);
    await until(
      'the claim to be complete',
      async () => {
        const { json } = await register(world.product, { id: 'PRECMA1MED' });
        return json.accountId === world.owner.accountId;
      },
      { every: 200 },
    );
  });

  it('that guesses is limited, says for how long, and the owners see it', async () => {
    const guesser = await world.newOwner('Guesser', 'guesser@example.com');
    const statuses: number[] = [];
    for (let n = 0; n < 40 && statuses.at(-1) !== 429; n += 1) {
      const id = `GVESS${String(n).padStart(5, '0')}`;
      const { status, headers, json } = await world.claim(id, guesser);
      statuses.push(status);
      if (status !== 429) continue;
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(json.code).toBe('GUESSES_EXCEEDED');
    }
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.length).toBeGreaterThan(5);
    // The limit holds for a right guess too, and for nobody else.
    const { id } = await registeredOnly();
    expect((await world.claim(id, guesser)).status).toBe(429);
    expect((await world.audit(guesser)).some(({ action }) => action === 'device.claim-denied')).toBe(true);
    expect((await world.claim(id)).status).toBe(200);
  });
});

async function registeredOnly(): Promise<{ id: string }> {
  const id = `R${Math.floor(Math.random() * 1e9)
    .toString()
    .padStart(9, '0')}`;
  expect((await register(world.product, { id })).status).toBeLessThan(300);
  return { id };
}

describe('an impostor who read the label and knows the product', () => {
  const impostorKey = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString();

  it('cannot take the place of a device that registered with a key', async () => {
    const { id } = await world.connectedDevice();
    for (const body of [{ id }, { id, publicKey: impostorKey() }]) {
      const { status, json } = await register(world.product, body);
      expect(status).toBe(401);
      expect(json.token).toBeUndefined();
    }
  });

  it('cannot do so as an agent of the field either, and the device keeps its connection', async () => {
    const { id, program } = await world.connectedDevice();
    await expect(world.oldAgent(id).register()).rejects.toThrow();
    expect(program.exit).toBeUndefined();
    expect((await world.show(id)).connection).toBe('online');
  });

  it('cannot provision with the token alone', async () => {
    const { device, id } = await world.connectedDevice();
    const provision = (await device.read('config', 'provision.json5')) ?? '';
    const token = /token['"]?\s*:\s*['"]([^'"]+)['"]/.exec(provision)?.[1] ?? '';
    expect(token).not.toBe('');
    const { status, json } = await world.cloud.call('/tok/device/provision', { bearer: token, body: { id } });
    expect(status).toBe(401);
    expect(json.certificate).toBeUndefined();
    expect((await world.audit())[0]).toMatchObject({ action: 'device.impostor-denied', deviceId: id });
  });

  it("finds neither the token nor the claim ID in the cloud's log", async () => {
    const { device, id } = await world.connectedDevice();
    const provision = (await device.read('config', 'provision.json5')) ?? '';
    const token = /token['"]?\s*:\s*['"]([^'"]+)['"]/.exec(provision)?.[1] ?? 'missing';
    expect(id).toBeDefined();
    expect(world.cloud.program.stderr + world.cloud.program.stdout).not.toContain(token);
  });
});

describe('a builder that is not who it should be', () => {
  it('is not trusted: a device with another authority says so and does not register', async () => {
    const device = await world.device({ authority: (await TestAuthority.create()).certificate });
    const program = world.switchOn(device);
    await program.waitFor(/certificate|authority|TLS/i);
    expect(await device.read('config', 'provision.json5')).toBeUndefined();
  });
});
