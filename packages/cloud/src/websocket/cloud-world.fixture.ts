import { newClaimId, type ProvisionAnswer, SIGNATURE_HEADER, signRequest } from '@ioto/protocol';
import { systemClock } from '@ioto/runtime';
import { type ApiAnswer, callApi } from '@ioto/testkit/api-call';
import { type FleetIdentity, makeFleetIdentities } from '@ioto/testkit/fleet/identities';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { AwsV4Signer } from 'aws4fetch';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { type Cloud, type CloudOptions, createCloud } from '../build-cloud.ts';
import type { CredentialAnswer } from '../credentials/credential-desk.ts';
import { EmbeddedCredentials } from '../platform/embedded/embedded-credentials.ts';
import type { CredentialBearer, IssuedCredentials } from '../ports/credential-issuer.ts';
import { readSecret } from '../state-directory/state-directory.ts';

/** A device with its certificate, which has never connected. */
export interface WorldDevice {
  id: string;
  accountId: string;
  token: string;
  identity: FleetIdentity;
  certificate: string;
}

export interface SigningOptions {
  service?: string;
  region?: string;
  path?: string;
  /** Milliseconds since 1970. */
  at?: number;
}

const heard = new WeakMap<MqttClient, string[]>();

const PASSWORD = 'correct horse battery staple';

/** A whole cloud in this process, on real sockets, and what a device or a tool needs to come to it. */
export class CloudWorld {
  readonly cloud: Cloud;
  readonly #directory: TempDirectory;
  readonly #clients: MqttClient[] = [];
  #product = '';
  #users = 0;

  private constructor(cloud: Cloud, directory: TempDirectory) {
    this.cloud = cloud;
    this.#directory = directory;
  }

  static async create(options: CloudOptions = {}): Promise<CloudWorld> {
    const directory = await TempDirectory.create();
    const anywhere = '127.0.0.1:0';
    const cloud = createCloud({ state: directory.path, listen: anywhere, mtls: anywhere, ...options });
    await cloud.start();
    const world = new CloudWorld(cloud, directory);
    world.#product = String((await world.admin('/product/create', { name: 'Lamp' })).json.id);
    return world;
  }

  /** ID of the one product. */
  get product(): string {
    return this.#product;
  }

  /** The state directory. */
  get state(): string {
    return this.#directory.path;
  }

  post(path: string, bearer: string, body: object | string, headers: Record<string, string> = {}) {
    const { api, authority } = this.cloud.place();
    return callApi({ url: `${api}${path}`, bearer, body, authority, headers });
  }

  admin(path: string, body: object): Promise<ApiAnswer> {
    return this.post(path, this.cloud.place().adminKey, body);
  }

  metrics(): Promise<ApiAnswer> {
    const { api, authority } = this.cloud.place();
    return callApi({ url: api.replace('/api', '/metrics'), method: 'GET', authority });
  }

  async account(name = 'Owner'): Promise<string> {
    return String((await this.admin('/account/create', { name })).json.id);
  }

  /** A user who has signed in. */
  async user(accountId: string, role: string): Promise<{ id: string; email: string; login: string }> {
    this.#users += 1;
    const email = `user-${this.#users}@example.com`;
    const { json } = await this.admin('/user/create', { email, password: PASSWORD, accountId, role });
    return { id: String(json.id), email, login: await this.signIn(email) };
  }

  async signIn(email: string): Promise<string> {
    return String((await this.post('/user/login', '', { email, password: PASSWORD })).json.token);
  }

  /** A call that a device signs with its identity key. */
  signed(path: string, bearer: string, body: object | '', { privateKey }: FleetIdentity): Promise<ApiAnswer> {
    const text = body === '' ? '' : JSON.stringify(body);
    const signature = signRequest(
      { method: 'POST', path: `/api${path}`, body: text },
      privateKey,
      Date.now(),
    );
    return this.post(path, bearer, text, { [SIGNATURE_HEADER]: signature });
  }

  /** A device that the account has claimed and that has its certificate. */
  async device(accountId: string): Promise<WorldDevice> {
    const [identity] = await makeFleetIdentities(1);
    if (!identity) throw new Error('no identity');
    const { id, publicKey, csr } = identity;
    const facts = { id, product: this.#product, name: 'Lamp', publicKey };
    const register = () => this.signed('/device/register', this.#product, facts, identity);
    await register();
    await this.admin('/device/claim', { id, accountId });
    const token = String((await register()).json.token);
    const { json } = await this.signed('/tok/device/provision', token, { id, csr }, identity);
    return { id, accountId, token, identity, certificate: (json as ProvisionAnswer).certificate };
  }

  /** A device of the field: without a key of its own, it signs nothing. */
  async oldDevice(accountId: string): Promise<{ id: string; token: string }> {
    const id = newClaimId();
    const register = () => this.post('/device/register', this.#product, { id, product: this.#product });
    await register();
    await this.admin('/device/claim', { id, accountId });
    return { id, token: String((await register()).json.token) };
  }

  release(id: string): Promise<ApiAnswer> {
    return this.admin('/device/release', { id });
  }

  async deviceCredentials({ token, identity }: WorldDevice): Promise<CredentialAnswer> {
    const { status, json, text } = await this.signed('/tok/device/getCreds', token, '', identity);
    if (status !== 200) throw new Error(`getCreds: ${status} ${text}`);
    return json as unknown as CredentialAnswer;
  }

  async toolCredentials(
    accountId: string,
    order: { role?: string; seconds?: number; bearer?: string } = {},
  ): Promise<CredentialAnswer> {
    const { bearer = this.cloud.place().adminKey, ...rest } = order;
    const { status, json, text } = await this.post('/account/getCreds', bearer, { accountId, ...rest });
    if (status !== 200) throw new Error(`getCreds: ${status} ${text}`);
    return json as unknown as CredentialAnswer;
  }

  /** Credentials that this cloud would have issued so many milliseconds ago, for a quarter of an hour. */
  async earlierCredentials(bearer: CredentialBearer, ago: number): Promise<IssuedCredentials> {
    const secret = await readSecret(this.#directory.at('keys', 'session-token.key'));
    if (!secret) throw new Error('the cloud has issued no credentials yet');
    const clock = { ...systemClock, now: () => Date.now() - ago };
    return new EmbeddedCredentials({ secret: async () => secret, clock }).issue(bearer, 900);
  }

  /** The URL of a WebSocket, signed by aws4fetch. */
  async presigned(
    keys: Pick<CredentialAnswer, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>,
    { service = 'iotdevicegateway', region = 'local', path = '/mqtt', at = Date.now() }: SigningOptions = {},
  ): Promise<string> {
    const datetime = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const signer = new AwsV4Signer({
      ...{ service, region, datetime, signQuery: true, method: 'GET' },
      url: `https://localhost:${this.cloud.place().port}${path}`,
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      sessionToken: keys.sessionToken,
    });
    return (await signer.sign()).url.toString().replace(/^https/, 'wss');
  }

  /** MQTT.js over a WebSocket, connected; rejects with what kept it from that. */
  async client(url: string, clientId: string, more: Partial<IClientOptions> = {}): Promise<MqttClient> {
    const { authority } = this.cloud.place();
    const client = mqtt.connect({
      ...{ protocol: 'wss' as const, host: 'localhost', transformWsUrl: () => url, ca: authority, clientId },
      ...{ reconnectPeriod: 0, connectTimeout: 5000, protocolVersion: 4 as const, clean: true },
      ...more,
    });
    return this.#connected(client);
  }

  /** The same for a tool with credentials. */
  async tool(
    keys: CredentialAnswer,
    clientId: string,
    more: Partial<IClientOptions> = {},
  ): Promise<MqttClient> {
    return this.client(await this.presigned(keys), clientId, more);
  }

  /** A device over MQTT with its certificate, on the main port. */
  async connectDevice({ id, identity, certificate }: WorldDevice): Promise<MqttClient> {
    const { port, authority } = this.cloud.place();
    const client = mqtt.connect({
      ...{ protocol: 'mqtts' as const, host: 'localhost', port, ca: authority, ALPNProtocols: ['mqtt'] },
      ...{ key: identity.keyPem, cert: certificate, clientId: id, clean: false, reconnectPeriod: 0 },
    });
    return this.#connected(client);
  }

  /** Also keeps what is delivered with the very connection, before a test could listen. */
  async #connected(client: MqttClient): Promise<MqttClient> {
    this.#clients.push(client);
    const list: string[] = [];
    heard.set(client, list);
    client.on('message', (topic, payload) => list.push(`${topic} ${payload}`));
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });
    client.on('error', () => undefined);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.endAsync(true)));
    await this.cloud.stop();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** What a client of the world was sent, as `topic payload`. */
export function heardBy(client: MqttClient): string[] {
  return heard.get(client) ?? [];
}
