import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IClientOptions } from 'mqtt';
import type { World } from './world.ts';

/** What MQTT.js needs to be a device of the world's owner: one that the agent onboarded, and then left to it. */
export async function mqttDevice(
  world: World,
  more: IClientOptions,
): Promise<{ id: string; options: IClientOptions }> {
  const { device, program, id } = await world.connectedDevice();
  await program.kill();
  const pem = (name: string) => readFile(join(device.state, 'certs', name));
  const options = {
    ...{ protocol: 'mqtts', host: 'localhost', port: world.cloud.port, ca: world.cloud.authority },
    ...{ cert: await pem('ioto.crt'), key: await pem('ioto.key'), ALPNProtocols: ['x-amzn-mqtt-ca'] },
    ...{ clientId: id, reconnectPeriod: 0, ...more },
  } as IClientOptions;
  return { id, options };
}
