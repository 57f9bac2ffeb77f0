import { AwsV4Signer } from 'aws4fetch';
import type { IClientOptions } from 'mqtt';
import type { Owner, World } from './world.ts';

export interface ToolKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/** Credentials of a tool, as the command line makes them. */
export async function toolKeys(
  world: World,
  role: 'viewer' | 'user',
  { accountId }: Owner = world.owner,
): Promise<ToolKeys> {
  const args = ['credentials', '--account', accountId, '--role', role];
  return (await world.cloud.json(args)) as unknown as ToolKeys;
}

/** What MQTT.js needs to be a tool: WebSocket, with a signature in the URL. */
export async function toolOptions(
  world: World,
  keys: ToolKeys,
  more: IClientOptions,
): Promise<IClientOptions> {
  const signer = new AwsV4Signer({
    ...{ service: 'iotdevicegateway', region: 'local', signQuery: true, method: 'GET', ...keys },
    url: `${world.cloud.origin}/mqtt`,
  });
  const url = (await signer.sign()).url.toString().replace(/^https/, 'wss');
  return {
    ...{ protocol: 'wss', host: 'localhost', transformWsUrl: () => url, ca: world.cloud.authority },
    ...{ reconnectPeriod: 0, ...more },
  } as IClientOptions;
}
