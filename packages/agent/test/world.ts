import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@ioto/runtime';
import { type Agent, type AgentOptions, createAgent } from '../src/index.ts';
import { FakeCloud } from './fake-cloud.ts';

/** A directory of its own for one test. */
export class Directory {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<Directory> {
    return new Directory(await mkdtemp(join(tmpdir(), 'ioto-agent-')));
  }

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  read(...names: string[]): Promise<string> {
    return readFile(this.at(...names), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A cloud, and a device's state directory with as many lives of the device as a test starts on it. */
export class World {
  readonly cloud: FakeCloud;
  readonly directory: Directory;
  readonly #agents: Agent[] = [];

  private constructor(cloud: FakeCloud, directory: Directory) {
    this.cloud = cloud;
    this.directory = directory;
  }

  static async create(): Promise<World> {
    const world = new World(await FakeCloud.create(), await Directory.create());
    await writeFile(world.directory.at('ca.pem'), world.cloud.authority.pem);
    return world;
  }

  /** An agent on the world's state directory, impatient and without a web server. */
  agent(options: AgentOptions = {}): Agent {
    const { settings, ...rest } = options;
    const agent = createAgent({
      state: this.directory.at('state'),
      builder: this.cloud.builder,
      product: 'PRODUCT',
      logger: silentLogger,
      ...rest,
      settings: {
        tls: { authority: this.directory.at('ca.pem') },
        web: { listen: [] },
        register: { first: '20 msec', limit: '40 msec', wait: '2 secs' },
        mqtt: { first: '20 msec', limit: '40 msec' },
        timeouts: { sync: '100 msec' },
        ...settings,
      },
    });
    this.#agents.push(agent);
    return agent;
  }

  /** An agent that is started, claimed and in step with the cloud. */
  async readyAgent(options: AgentOptions = {}, accountId?: string): Promise<Agent> {
    const agent = this.agent(options);
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    agent.once('device:registered', ({ id }) => this.cloud.claim(id, accountId));
    await agent.start();
    await ready;
    return agent;
  }

  state(...names: string[]): Promise<string> {
    return this.directory.read('state', ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) await agent.stop();
    await this.cloud[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Looks again every few milliseconds until `probe` gives something true. */
export async function until<T>(probe: () => T | Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const found = await probe();
    if (found) return found;
    await delay(5);
  }
  throw new Error('waited in vain');
}
