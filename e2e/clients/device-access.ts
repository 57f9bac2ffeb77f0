import { join } from 'node:path';
import type { Owner, World } from '../world.ts';
import type { Access } from './client-program.ts';

/** A device that the agent has onboarded, and then left to other clients: over the main port, with its certificate. */
export async function deviceAccess(world: World, owner: Owner = world.owner): Promise<Access> {
  const { device, program, id } = await world.connectedDevice(owner);
  await program.kill();
  const certs = join(device.state, 'certs');
  return {
    ...{ port: world.cloud.port, alpn: 'x-amzn-mqtt-ca', authority: world.cloud.authorityFile },
    ...{ certificate: join(certs, 'ioto.crt'), key: join(certs, 'ioto.key'), clientId: id },
  };
}
