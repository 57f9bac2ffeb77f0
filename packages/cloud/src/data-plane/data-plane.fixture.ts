import { signedHeadersOf } from '@ioto/protocol';
import { silentLogger } from '@ioto/runtime';
import { AwsAuthorization } from '../aws-http/aws-caller.ts';
import { awsScope } from '../aws-http/aws-scope.ts';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { HttpService } from '../http/http-service.ts';
import type { CredentialBearer, IssuedCredentials, ToolRole } from '../ports/credential-issuer.ts';

/** AWS IoT's data plane over HTTP, without sockets, in front of a device cloud. */
export class DataPlaneWorld {
  readonly world: DeviceWorld;
  readonly http: HttpService;

  private constructor(world: DeviceWorld) {
    this.world = world;
    const { clock, credentials, devices } = world;
    const authorizer = new AwsAuthorization({
      ...{ clock, credentials, region: () => 'here' },
      gate: () => devices.gate,
      tools: () => devices.tools,
    });
    const root = [
      (app: Parameters<typeof awsScope>[0]) =>
        awsScope(app, { authorizer, clock, logger: silentLogger, ...devices.aws }),
    ];
    this.http = new HttpService({ clock, logger: silentLogger, api: [], root });
  }

  static async create(): Promise<DataPlaneWorld> {
    const plane = new DataPlaneWorld(await DeviceWorld.create());
    await plane.http.start();
    return plane;
  }

  tool(accountId: string, role: ToolRole = 'user'): Promise<IssuedCredentials> {
    return this.#keys({ kind: 'tool', accountId, role, sponsor: { by: 'admin' } });
  }

  device(accountId: string, deviceId: string, generation = 1): Promise<IssuedCredentials> {
    return this.#keys({ kind: 'device', accountId, deviceId, generation });
  }

  #keys(bearer: CredentialBearer): Promise<IssuedCredentials> {
    return this.world.credentials.issue(bearer, 3600);
  }

  async ask(
    keys: IssuedCredentials | undefined,
    method: string,
    path: string,
    body: Buffer | string = '',
    more = {},
    service = 'iotdata',
  ) {
    const url = new URL(`https://cloud${path}`);
    const facts = { method, url, body, headers: { ...more }, service, region: 'here' };
    const signed = keys ? signedHeadersOf({ ...facts, now: this.world.clock.now() }, keys) : {};
    const answer = await this.http.app.inject({
      method: method as 'GET',
      url: path,
      headers: { host: 'cloud', ...more, ...signed },
      payload: body,
    });
    const type = answer.headers['x-amzn-errortype'];
    return {
      status: answer.statusCode,
      ...(type ? { type } : {}),
      body: answer.json() as Record<string, unknown>,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http.stop();
    await this.world[Symbol.asyncDispose]();
  }
}
