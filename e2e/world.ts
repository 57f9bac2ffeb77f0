import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import {
  type ApiAnswer,
  CloudProgram,
  DeviceFiles,
  type Finished,
  OldAgent,
  type Program,
  type ProgramOptions,
  TempDirectory,
  TestAuthority,
  until,
} from '@ioto/testkit';

const PASSWORD = 'correct horse battery staple';

export interface Owner {
  accountId: string;
  email: string;
  /** Bearer token of the signed-in user. */
  token: string;
}

export interface WorldOptions {
  /** Further arguments of `ioto-cloud start`. */
  args?: string[];
}

/** A maker's cloud, as built, with one product and one owner, and as many devices as a test asks for. */
export class World {
  readonly directory: TempDirectory;
  readonly product: string;
  readonly owner: Owner;
  #cloud: CloudProgram;
  #devices = 0;
  readonly #options: WorldOptions;
  readonly #programs: Program[] = [];

  private constructor(
    options: WorldOptions,
    directory: TempDirectory,
    cloud: CloudProgram,
    product: string,
    owner: Owner,
  ) {
    this.#options = options;
    this.directory = directory;
    this.#cloud = cloud;
    this.product = product;
    this.owner = owner;
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const directory = await TempDirectory.create();
    try {
      const cloud = await CloudProgram.start({ state: directory.at('cloud'), args: options.args });
      const product = await cloud.id(['product', 'create', 'Lamp']);
      const owner = await newOwner(cloud, 'First owner', 'first@example.com');
      return new World(options, directory, cloud, product, owner);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  get cloud(): CloudProgram {
    return this.#cloud;
  }

  newOwner(name: string, email: string): Promise<Owner> {
    return newOwner(this.#cloud, name, email);
  }

  /** Ends the cloud, by SIGKILL unless said otherwise. */
  async stopCloud(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#cloud.program.kill(signal);
  }

  /** Starts the cloud again on its state and its port. */
  async startCloud(): Promise<void> {
    const { state, port } = this.#cloud;
    this.#cloud = await CloudProgram.start({ state, port, args: this.#options.args });
  }

  /** Files of a new device, which has never been switched on. */
  device(
    more: { builder?: string; product?: string; authority?: string; settings?: Record<string, unknown> } = {},
  ): Promise<DeviceFiles> {
    this.#devices += 1;
    return DeviceFiles.create({
      directory: this.directory.at(`device-${this.#devices}`),
      builder: this.#cloud.api,
      product: this.product,
      authority: this.#cloud.authority,
      ...more,
    });
  }

  /** Switches a device on; it is killed with the world at the latest. */
  switchOn(device: DeviceFiles, args: readonly string[] = [], options: ProgramOptions = {}): Program {
    const program = device.start(args, options);
    this.#programs.push(program);
    return program;
  }

  claim(id: string, owner: Owner = this.owner): Promise<ApiAnswer> {
    return this.#cloud.call('/device/claim', { bearer: owner.token, body: { id } });
  }

  /** A device that runs and is connected. */
  async connectedDevice(
    owner: Owner = this.owner,
  ): Promise<{ device: DeviceFiles; program: Program; id: string }> {
    const device = await this.device();
    const program = this.switchOn(device);
    const id = await this.registered(device);
    const answer = await this.claim(id, owner);
    if (answer.status >= 300) throw new Error(`claim: ${answer.status} ${answer.text}. ${program.said}`);
    await this.online(id, program);
    return { device, program, id };
  }

  /** Resolves the device's claim ID once the builder has answered it. */
  async registered(device: DeviceFiles): Promise<string> {
    const id = await until('the device to have an ID', () => device.id());
    await until(`${id} to be registered`, async () =>
      (await device.read('config', 'provision.json5'))?.includes('registered'),
    );
    return id;
  }

  /** A call with the key of the state directory, which may do everything. */
  async adminCall(path: string, body: object): Promise<ApiAnswer> {
    const key = await readFile(join(this.#cloud.state, 'keys', 'admin.key'), 'utf8');
    return this.#cloud.call(path, { bearer: `ioto_admin_${key.trim()}`, body });
  }

  /** The device as its owner's cloud shows it. */
  async show(id: string): Promise<Record<string, unknown>> {
    return this.#cloud.json(['device', 'show', id]);
  }

  /** The text of a device's Store item in the cloud. */
  async stored(id: string, key: string): Promise<unknown> {
    const { accountId } = this.owner;
    const body = { _type: 'Store', accountId, deviceId: id, key };
    return (await this.adminCall('/generic/get', body)).json.value;
  }

  /** Resolves when the cloud holds the device for connected, and the program, if given, says that it is in step. */
  async online(id: string, program?: Program): Promise<void> {
    try {
      await program?.waitFor(/in step with the cloud/);
      await until(`${id} to be online`, async () => (await this.#get(id)).connection === 'online', {
        every: 50,
        timeout: 15_000,
      });
    } catch (error) {
      throw new Error(`${id} did not connect. ${program?.said ?? ''}`, { cause: error });
    }
  }

  async #get(id: string): Promise<Record<string, unknown>> {
    return (await this.adminCall('/device/get', { id })).json;
  }

  /** The cloud's own authority, so that a test can sign in its name. */
  async authority(): Promise<TestAuthority> {
    return TestAuthority.from(
      this.#cloud.authority,
      await readFile(join(this.#cloud.state, 'ca.key'), 'utf8'),
    );
  }

  /** Entries of an account's audit record, latest first. */
  async audit(owner: Owner = this.owner): Promise<{ action: string; deviceId?: string; details?: object }[]> {
    const { json } = await this.#cloud.call('/audit/find', { bearer: owner.token, body: {} });
    return json.items as { action: string; deviceId?: string }[];
  }

  run(args: readonly string[], stdin?: string): Promise<Finished> {
    return this.#cloud.run(args, stdin);
  }

  /** An agent of the field, never switched on. */
  oldAgent(id: string, more: Partial<ConstructorParameters<typeof OldAgent>[0]> = {}): OldAgent {
    return new OldAgent({
      builder: this.#cloud.api,
      device: { id, product: this.product, name: 'Old lamp' },
      authority: this.#cloud.authority,
      ...more,
    });
  }

  /** True when the cloud's port still completes a handshake. */
  handshakes(): Promise<boolean> {
    const { port, authority } = this.#cloud;
    return new Promise((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: authority }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()));
    await this.#cloud[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

async function newOwner(cloud: CloudProgram, name: string, email: string): Promise<Owner> {
  const accountId = await cloud.id(['account', 'create', name]);
  const args = ['user', 'create', email, '--account', accountId, '--password-stdin', '--role', 'owner'];
  await cloud.id(args, PASSWORD);
  const { status, json, text } = await cloud.call('/user/login', { body: { email, password: PASSWORD } });
  if (status !== 200 || typeof json.token !== 'string') throw new Error(`login: ${status} ${text}`);
  return { accountId, email, token: json.token };
}
