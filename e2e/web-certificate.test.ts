import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** What a client of the device's pages is shown, and whether it may believe it by what it trusts. */
function shown(port: number, servername: string, ca?: string): Promise<{ issuer: string; trusted: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca, rejectUnauthorized: false }, () => {
      const issuer = socket.getPeerX509Certificate()?.issuer ?? '';
      resolve({ issuer, trusted: socket.authorized });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

it('pages of a device are shown by the certificate of its cloud to who asks for its name, from the claim on and until the release', async () => {
  const device = await world.device({ settings: { web: { listen: 'https://127.0.0.1:0' } } });
  const program = world.switchOn(device);
  const [, port] = await program.waitFor(/https:\/\/127\.0\.0\.1:(\d+)/);
  const id = await world.registered(device);
  const name = `${id.toLowerCase()}.local`;
  const { authority } = world.cloud;
  const ask = (asked: string) => shown(Number(port), asked, authority);

  const own = await ask(name);
  expect(own.trusted).toBe(false);
  expect((await world.claim(id)).status).toBe(200);
  await world.online(id, program);
  expect(await ask(name)).toMatchObject({ trusted: true });
  expect(await ask('localhost')).toEqual(own);

  await world.run(['device', 'release', id]);
  await expect.poll(() => ask(name), { timeout: 15_000 }).toEqual(own);
});
