import { writeFile } from 'node:fs/promises';
import { type Agent, type AgentOptions, createAgent } from '@ioto/agent';
import { type Cloud, type CloudOptions, createCloud } from '@ioto/cloud';
import { type ApiAnswer, type ApiCall, callApi } from './api-call.ts';
import { TempDirectory } from './programs/temp-directory.ts';

export interface SiteOwner {
  accountId: string;
  email: string;
  password: string;
  /** Bearer token of the signed-in user. */
  token: string;
}

export interface SiteOptions {
  cloud?: CloudOptions;
}

/**
 * A whole world in one process: builder and device cloud with a product, an account and its owner, and as many devices as
 * a test makes. Real TLS on loopback, real files in a directory of its own; everything goes away with the scope.
 */
export class Site {
  readonly cloud: Cloud;
  readonly directory: TempDirectory;
  /** Product ID, which devices register with. */
  readonly product: string;
  readonly owner: SiteOwner;
  readonly #agents: Agent[] = [];

  private constructor(cloud: Cloud, directory: TempDirectory, product: string, owner: SiteOwner) {
    this.cloud = cloud;
    this.directory = directory;
    this.product = product;
    this.owner = owner;
  }

  static async create({ cloud: options = {} }: SiteOptions = {}): Promise<Site> {
    const directory = await TempDirectory.create();
    const cloud = createCloud({ state: directory.at('cloud'), listen: '127.0.0.1:0', ...options });
    try {
      await cloud.start();
      await writeFile(directory.at('authority.pem'), cloud.place().authority);
      const bearer = cloud.place().adminKey;
      const product = await made(cloud, '/product/create', bearer, { name: 'Product' });
      const owner = await newOwner(cloud, bearer, 'owner@example.com');
      return new Site(cloud, directory, product, owner);
    } catch (error) {
      await cloud.stop();
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Base of the API, the builder's and the device cloud's. */
  get api(): string {
    return this.cloud.place().api;
  }

  /** One call with the owner's login, unless `more` says another bearer. */
  call(path: string, body: object = {}, more: Partial<ApiCall> = {}): Promise<ApiAnswer> {
    return call(this.cloud, path, { bearer: this.owner.token, body, ...more });
  }

  async newOwner(email: string): Promise<SiteOwner> {
    return newOwner(this.cloud, this.cloud.place().adminKey, email);
  }

  /** A device that has never been started; `name` is also its state directory's, for a second life of the same device. */
  device(name = `device-${this.#agents.length + 1}`, options: AgentOptions = {}): Agent {
    const { settings, ...rest } = options;
    const agent = createAgent({
      state: this.directory.at(name),
      builder: this.api,
      product: this.product,
      ...rest,
      settings: {
        tls: { authority: this.directory.at('authority.pem') },
        web: { listen: [] },
        register: { first: '100 msec', limit: '1 sec' },
        mqtt: { first: '50 msec', limit: '500 msec' },
        ...settings,
      },
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Resolves with the status and the Device item, or the refusal. */
  claim(id: string, owner: SiteOwner = this.owner): Promise<ApiAnswer> {
    return this.call('/device/claim', { id }, { bearer: owner.token });
  }

  /** A device that is started, claimed by the owner and in sync. */
  async readyDevice(name?: string, options?: AgentOptions): Promise<Agent> {
    const agent = this.device(name, options);
    const ready = agent.next('cloud:ready', AbortSignal.timeout(15_000));
    const registered = agent.next('device:registered', AbortSignal.timeout(15_000));
    await agent.start();
    await registered;
    const { status, text } = await this.claim(agent.id);
    if (status >= 300) throw new Error(`claim: ${status} ${text}`);
    await ready;
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.cloud.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}

function call(cloud: Cloud, path: string, more: Partial<ApiCall>): Promise<ApiAnswer> {
  return callApi({ url: `${cloud.place().api}${path}`, authority: cloud.place().authority, ...more });
}

/** The ID of what a verb made. */
async function made(cloud: Cloud, path: string, bearer: string, body: object): Promise<string> {
  const { status, text, json } = await call(cloud, path, { bearer, body });
  if (status !== 201 || typeof json.id !== 'string') throw new Error(`${path}: ${status} ${text}`);
  return json.id;
}

async function newOwner(cloud: Cloud, bearer: string, email: string): Promise<SiteOwner> {
  const password = 'correct horse battery staple';
  const accountId = await made(cloud, '/account/create', bearer, { name: email });
  await made(cloud, '/user/create', bearer, { email, password, role: 'owner', accountId });
  const { status, text, json } = await call(cloud, '/user/login', { body: { email, password } });
  if (status !== 200) throw new Error(`login: ${status} ${text}`);
  return { accountId, email, password, token: String(json.token) };
}
