import {
  type BindRequest,
  type FindRequest,
  newClaimId,
  type ProvisionAnswer,
  type RegisterAnswer,
  type RegisterRequest,
  type ReleaseRequest,
} from '@ioto/protocol';
import { CodedError, type Logger, silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { type AuditAction, AuditLog } from '../audit/audit-log.ts';
import { buildDeviceCloud, type DeviceCloudParts } from '../build-device-cloud.ts';
import { Clouds } from '../builder/clouds/clouds.ts';
import type { Product } from '../builder/products/product.ts';
import { Products } from '../builder/products/products.ts';
import { Bindings } from '../builder/registrations/bindings.ts';
import { CloudQueue } from '../builder/registrations/cloud-queue.ts';
import { forCloud } from '../builder/registrations/registration.ts';
import { Registrations } from '../builder/registrations/registrations.ts';
import { createSealer } from '../builder/sealing.ts';
import { createGuards } from '../http/guards.ts';
import { Accounts } from '../identity/accounts.ts';
import { Passwords } from '../identity/passwords.ts';
import { Sponsors } from '../identity/sponsors.ts';
import { Tokens } from '../identity/tokens.ts';
import { Users } from '../identity/users.ts';
import { EmbeddedCa } from '../platform/embedded/embedded-ca.ts';
import { EmbeddedCredentials } from '../platform/embedded/embedded-credentials.ts';
import { LmdbItemStore } from '../platform/embedded/lmdb-item-store.ts';
import type { BuilderClient } from '../ports/builder-client.ts';
import type {
  Delivery,
  DeviceEndpoint,
  PublishedMessage,
  RetainedMessage,
} from '../ports/device-endpoint.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import type { ProvisionCall } from './provisioning.ts';

type BuilderVerb = keyof BuilderClient;

/** An endpoint whose connections a test says, and that keeps what is sent. */
export class FakeEndpoint implements DeviceEndpoint {
  readonly online = new Set<string>();
  readonly sent: { to: string; topic: string; body: string }[] = [];
  readonly ended: string[] = [];
  readonly taken: PublishedMessage[] = [];
  kept: RetainedMessage[] = [];
  outcome: Delivery | 'never' = 'acknowledged';
  /** Whether somebody has subscribed everything. */
  isHeard = false;

  async deliver(deviceId: string, topic: string, payload: string): Promise<Delivery> {
    if (!this.online.has(deviceId)) return 'offline';
    this.sent.push({ to: deviceId, topic, body: payload });
    return this.outcome === 'never' ? new Promise(() => undefined) : this.outcome;
  }

  publish(topic: string, payload: string | Buffer): void {
    this.sent.push({ to: 'all', topic, body: payload.toString() });
  }

  answer(session: string, topic: string, payload: string | Buffer): void {
    this.sent.push({ to: session, topic, body: payload.toString() });
  }

  async take(_from: unknown, message: PublishedMessage): Promise<void> {
    this.taken.push(message);
  }

  retained(): RetainedMessage[] {
    return this.kept;
  }

  hasSubscribers(): boolean {
    return this.isHeard;
  }

  isConnected(deviceId: string): boolean {
    return this.online.has(deviceId);
  }

  disconnect(deviceId: string): void {
    this.online.delete(deviceId);
  }

  endSession(deviceId: string): void {
    this.ended.push(deviceId);
    this.online.delete(deviceId);
  }

  /** Bodies sent on topics that end so. */
  bodies(end: string): Record<string, unknown>[] {
    return this.sent.filter(({ topic }) => topic.endsWith(end)).map(({ body }) => JSON.parse(body));
  }
}

/** A device cloud on a real store, with the real builder behind its port, a clock that a test moves and no sockets. */
export class DeviceWorld {
  readonly clock = new VirtualClock();
  readonly endpoint = new FakeEndpoint();
  /** Verbs of the builder that fail next: before they do anything, or after (the answer is lost). */
  readonly faults = new Map<BuilderVerb, 'before' | 'after'>();
  readonly calls: BuilderVerb[] = [];
  /** What the device cloud logged at info and warn. */
  readonly logged: string[] = [];
  readonly store: LmdbItemStore;
  readonly authority: EmbeddedCa;
  readonly audit: AuditLog;
  readonly accounts: Accounts;
  readonly credentials: EmbeddedCredentials;
  readonly #directory: TempDirectory;
  readonly #schema: Readonly<Record<string, unknown>> | undefined;
  readonly #registrations: Registrations;
  readonly #builder: BuilderClient;
  product!: Product;
  devices!: DeviceCloudParts;
  #clouds: Clouds;
  #cloudId = '';

  private constructor(directory: TempDirectory, schema?: Readonly<Record<string, unknown>>) {
    this.#directory = directory;
    this.#schema = schema;
    const { clock } = this;
    this.store = new LmdbItemStore({ directory: directory.at('items'), logger: silentLogger });
    const { store } = this;
    this.audit = new AuditLog({ store, clock });
    this.authority = new EmbeddedCa({ directory: directory.path, hosts: [], clock, logger: silentLogger });
    this.accounts = new Accounts({ store, clock, audit: this.audit });
    this.credentials = new EmbeddedCredentials({ secret: async () => Buffer.alloc(32, 3), clock });
    const sealer = createSealer(async () => Buffer.alloc(32, 1));
    this.#clouds = new Clouds({ store, clock });
    this.#registrations = new Registrations({ store, clock, clouds: this.#clouds, sealer });
    this.#builder = this.#faulty(sealer);
  }

  /** ID of this cloud at the builder. */
  get cloudId(): string {
    return this.#cloudId;
  }

  /** @param facts.schema Default: the core schema. */
  static async create({ schema }: { schema?: Readonly<Record<string, unknown>> } = {}): Promise<DeviceWorld> {
    const world = new DeviceWorld(await TempDirectory.create(), schema);
    await world.store.start();
    await world.authority.start();
    const facts = { name: 'Cloud', type: 'dedicated', region: 'here', api: 'https://cloud/api' } as const;
    world.#cloudId = (await world.#clouds.create(facts)).cloud.id;
    world.product = await new Products({ store: world.store, clock: world.clock }).create({ name: 'Lamp' });
    await world.restart();
    return world;
  }

  /** The program is gone and comes back, perhaps with another schema: what is not in the store is forgotten. */
  async restart(schema = this.#schema): Promise<void> {
    for (const component of this.devices?.components ?? []) await component.stop();
    const note = (facts: object | string) => void this.logged.push(JSON.stringify(facts));
    const logger: Logger = { ...silentLogger, info: note, warn: note };
    this.devices = buildDeviceCloud({
      ...{ store: this.store, audit: this.audit, accounts: this.accounts, authority: this.authority },
      ...{ clock: this.clock, logger, builder: this.#builder, endpoint: this.endpoint },
      file: (...names) => this.#directory.at(...names),
      sponsors: new Sponsors({
        tokens: new Tokens({ store: this.store, clock: this.clock }),
        users: new Users({
          store: this.store,
          clock: this.clock,
          audit: this.audit,
          passwords: new Passwords(),
        }),
      }),
      credentials: this.credentials,
      schema,
      guards: createGuards({ authenticate: async () => ({ kind: 'admin' }) }),
      secrets: { secret: async () => Buffer.alloc(32, 2) },
      place: () => ({
        ...{ name: 'Cloud', type: 'dedicated', region: 'here' },
        ...{ endpoint: 'cloud', port: 8443, api: 'https://cloud/api' },
      }),
    });
    for (const component of this.devices.components) await component.start(new AbortController().signal);
  }

  async account(name = 'Owner'): Promise<string> {
    return (await this.accounts.create(name, 'test')).id;
  }

  register(id: string, more: Partial<RegisterRequest> = {}): Promise<RegisterAnswer> {
    return this.#registrations.register({ id, name: 'Lamp', ...more }, this.product, async () => undefined);
  }

  /** A new device that has registered. */
  async newDevice(more: Partial<RegisterRequest> = {}): Promise<string> {
    const id = newClaimId();
    await this.register(id, more);
    return id;
  }

  claim(id: string, accountId: string, more: { pre?: boolean; address?: string } = {}) {
    return this.devices.claims.claim({ id, accountId, actor: 'user:U', address: '192.0.2.1', ...more });
  }

  /** A registered device that the account holds, with the token that the builder hands it. */
  async ownedDevice(
    accountId: string,
    more: Partial<RegisterRequest> = {},
  ): Promise<{ id: string; token: string }> {
    const id = await this.newDevice(more);
    await this.claim(id, accountId);
    return { id, token: String((await this.register(id, more)).token) };
  }

  provision(call: Partial<ProvisionCall> & { id: string }): Promise<ProvisionAnswer> {
    const signed = { method: 'POST', path: '/api/tok/device/provision', body: '{}' };
    const defaults = { token: undefined, signature: undefined, address: '192.0.2.9', signed };
    return this.devices.provisioning.provision({ ...defaults, ...call });
  }

  /** A message of a device reaches the cloud; resolves when it would be acknowledged. */
  receive(
    device: { deviceId: string; accountId: string; serial?: string },
    message: { topic: string; payload: string },
  ): Promise<void> {
    const facts = { generation: 1, serial: '', dialect: 'current', rights: everyRight } as const;
    const { topic, payload } = message;
    const principal = { kind: 'device', ...facts, ...device } as const;
    return this.devices.gate.received(principal, { topic, payload: Buffer.from(payload) });
  }

  /** What the records of an account, or of the builder, say happened, the first first. */
  async history(accountId: string): Promise<AuditAction[]> {
    const { entries } = await this.audit.find({ accountId });
    return entries.map(({ action }) => action).reverse();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const component of this.devices?.components ?? []) await component.stop();
    await this.authority.stop();
    await this.store.stop();
    await this.#directory[Symbol.asyncDispose]();
  }

  #faulty(sealer: ReturnType<typeof createSealer>): BuilderClient {
    const { store, clock, audit } = this;
    const registrations = this.#registrations;
    const bindings = new Bindings({ store, clock, audit, sealer, registrations });
    const queue = new CloudQueue({ store, clock, registrations });
    const find = async ({ id, done }: FindRequest) => {
      const item = id === undefined ? undefined : await registrations.get(id);
      if (id !== undefined) return item ? { device: forCloud(item, this.#cloudId) } : {};
      if (done) await queue.done(this.#cloudId, done);
      return queue.take(this.#cloudId);
    };
    const verb = async <T>(name: BuilderVerb, run: () => Promise<T>): Promise<T> => {
      this.calls.push(name);
      const fault = this.faults.get(name);
      if (fault === 'before') throw unreachable();
      const answer = await run();
      if (fault === 'after') throw unreachable();
      return answer;
    };
    return {
      register: (facts) => verb('register', () => this.#clouds.register(this.#cloudId, facts)),
      find: (request) => verb('find', () => find(request)),
      bind: (request: BindRequest) => verb('bind', () => bindings.bind(this.#cloudId, request)),
      release: (request: ReleaseRequest) => verb('release', () => bindings.release(this.#cloudId, request)),
    };
  }
}

function unreachable(): CodedError {
  return new CodedError('BUILDER_UNREACHABLE', 'no answer', { status: 503, retryable: true });
}
