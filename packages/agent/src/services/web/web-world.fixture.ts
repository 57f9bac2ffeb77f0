import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Database } from '@ioto/database';
import { type Clock, Emitter, type Logger, silentLogger, systemClock } from '@ioto/runtime';
import { Directory } from '../../../test/world.ts';
import type { AgentStatus } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import { layOutDirectories } from '../../config-loading/directories.ts';
import { makeSettings } from '../../config-loading/settings.ts';
import { ActionTable } from './actions/action-table.ts';
import type { KeyPair } from './listening/own-certificate.ts';
import { argon2InPlace, cheapPasswords } from './passwords/cheap-passwords.fixture.ts';
import { WebService } from './service.ts';
import type { RoomOf } from './uploads/upload-place.ts';
import type { WebUsers } from './web-api.ts';

export const UNCLAIMED: AgentStatus = {
  phase: 'registered',
  id: 'JT08FFQXWQ',
  name: 'Lamp <b>',
  claimed: false,
  connected: false,
};

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface WebWorldOptions {
  /** Files of the site, by their paths. */
  files?: Record<string, string>;
  /** What web.json5 says. */
  web?: Record<string, unknown>;
  clock?: Clock;
  /** What room a directory has; default: plenty. */
  room?: RoomOf;
  /** Changes the state before the service starts. */
  before?: (directory: Directory) => Promise<void>;
  /** Before it starts. */
  prepare?: (world: WebWorld) => void;
}

/** A request as a client sends it. */
export interface Sent {
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
}

const plenty: RoomOf = async () => ({ free: 2 ** 40, total: 2 ** 40 });

/** A web service on a socket of its own, with a site on a real disk. */
export class WebWorld {
  status: AgentStatus = UNCLAIMED;
  url = '';
  /** Passwords that were hashed. */
  hashes = 0;
  readonly directory: Directory;
  readonly actions = new ActionTable();
  /** What it warned of: the sentence, then the facts. */
  readonly warnings: string[] = [];
  database: Database | undefined;
  /** What the cloud has given the device. */
  provisioned: KeyPair | undefined;
  readonly events = new Emitter<AgentEvents>(() => undefined);
  readonly #service: WebService;

  private constructor(
    directory: Directory,
    { web = {}, clock = systemClock, room = plenty }: WebWorldOptions,
  ) {
    this.directory = directory;
    const { events } = this;
    events.on('web:listening', ({ addresses }) => {
      this.url = addresses[0] ?? '';
    });
    const settings = makeSettings({ web: { listen: 'http://127.0.0.1:0', ...web } }, () => 'web.json5');
    this.#service = new WebService({
      web: settings.web,
      directories: layOutDirectories({ state: directory.at() }, {}),
      ...{ cache: 10_000, clock, logger: this.#logger(), events, actions: this.actions, room },
      database: () => this.database,
      known: () => [UNCLAIMED.id ?? '', UNCLAIMED.name ?? ''],
      passwords: cheapPasswords((job) => {
        this.hashes += 1;
        return argon2InPlace(job);
      }),
      provisioned: async () => this.provisioned,
      complain: (path, problem) => new Error(`web.${path.join('.')}: ${problem}`),
      status: () => this.status,
      figures: () => 'ioto_uptime_seconds 1\n',
    });
  }

  static async create(options: WebWorldOptions = {}): Promise<WebWorld> {
    const directory = await Directory.create();
    await mkdir(directory.at('site', 'sub'), { recursive: true });
    for (const [name, text] of Object.entries(options.files ?? {})) {
      await writeFile(directory.at('site', name), text);
    }
    await options.before?.(directory);
    const world = new WebWorld(directory, options);
    options.prepare?.(world);
    await world.#service.start();
    return world;
  }

  get users(): WebUsers {
    return this.#service.users;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Sends the path exactly as it is; fetch would tidy it up. */
  get(path: string, headers: Record<string, string | string[]> = {}, method = 'GET'): Promise<Answer> {
    return this.send(method, path, { headers });
  }

  /** Sends a body along. */
  send(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(this.url, { path, headers, method, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      outgoing.on('error', reject).end(body);
    });
  }

  #logger(): Logger {
    const warn = (facts: object, text?: string) =>
      void this.warnings.push(`${text} ${JSON.stringify(facts)}`);
    return { ...silentLogger, warn };
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}
