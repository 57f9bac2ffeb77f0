import { appendFile, writeFile } from 'node:fs/promises';
import { Emitter, type Logger, silentLogger, systemClock } from '@ioto/runtime';
import type { AgentEvents } from '../src/agent-events.ts';
import { loadConfig, locateDirectories } from '../src/config-loading/load-config.ts';
import type { ProgramLog } from '../src/service-apis.ts';
import { entriesOf, ownLogDestination } from '../src/services/logs/entry.ts';
import { LogsService } from '../src/services/logs/service.ts';
import { FakeLogs } from './fake-logs.ts';
import { Directory, until } from './world.ts';

export const DEVICE = 'DEVICE1234';

/** The service logs of a device, with its directory and a cloud, through as many lives as a test starts. */
export class LogsWorld {
  readonly cloud: FakeLogs;
  readonly directory: Directory;
  readonly told: { event: string; facts: Record<string, unknown> }[] = [];
  readonly events = new Emitter<AgentEvents>(() => undefined);
  owner: string | undefined = 'account';
  /** What the cloud's clock is ahead of the device's, in milliseconds. */
  ahead = 0;
  logger: Logger = silentLogger;
  #service: LogsService | undefined;

  private constructor(cloud: FakeLogs, directory: Directory) {
    this.cloud = cloud;
    this.directory = directory;
    for (const event of ['logs:gap', 'logs:refused'] as const) {
      this.events.on(event, (facts) => this.told.push({ event, facts }));
    }
  }

  static async create(): Promise<LogsWorld> {
    return new LogsWorld(await FakeLogs.create(), await Directory.create());
  }

  at(name: string): string {
    return this.directory.at(name);
  }

  write(name: string, text: string | Buffer): Promise<void> {
    return writeFile(this.at(name), text);
  }

  append(name: string, text: string | Buffer): Promise<void> {
    return appendFile(this.at(name), text);
  }

  /** Starts the service on these entries, impatient, with streams named after their files. */
  async start(
    files: Record<string, unknown>[],
    more: { log?: ProgramLog; maxSpool?: number; journalctl?: string } = {},
  ): Promise<LogsService> {
    const options = {
      state: this.at('state'),
      settings: {
        logs: { files: files.map((file) => ({ stream: '{id}/{filename}', linger: '20 ms', ...file })) },
        log: { stream: '{id}/own' },
      },
    };
    const directories = await locateDirectories(options);
    const { settings } = await loadConfig(options, directories);
    const context = { settings, id: DEVICE, keepsApart: () => true };
    const { log, maxSpool = 1024 * 1024, journalctl } = more;
    this.#service = new LogsService({
      clock: systemClock,
      logger: this.logger,
      events: this.events,
      random: () => 0.5,
      keys: {
        get: async () => ({
          ...{ accessKeyId: '', secretAccessKey: '', sessionToken: '' },
          ...{ region: 'local', expires: Number.POSITIVE_INFINITY },
        }),
        endpoints: { logs: this.cloud.endpoint, s3: '', monitoring: '' },
        refused: () => undefined,
      },
      fetch: this.cloud.fetch,
      serverNow: () => Date.now() + this.ahead,
      owner: () => this.owner,
      directory: this.at('state/db/logs'),
      expand: (path) => this.at(path),
      entries: entriesOf(context),
      ownLog: log && { log, destination: { ...ownLogDestination(context), linger: 20 } },
      maxSpool,
      poll: 5,
      journalctl,
    });
    await this.#service.start();
    return this.#service;
  }

  async stop(): Promise<void> {
    await this.#service?.stop();
    this.#service = undefined;
  }

  /** Resolves when the cloud has these messages of a file, and nothing else, in this order. */
  async sent(messages: readonly string[], name?: string): Promise<void> {
    const stream = name === undefined ? undefined : `ioto/${DEVICE}/${name}`;
    await until(() => this.cloud.messages(stream).length >= messages.length).catch(() => undefined);
    const found = this.cloud.messages(stream);
    if (JSON.stringify(found) !== JSON.stringify(messages)) {
      throw new Error(`the cloud has ${JSON.stringify(found).slice(0, 2000)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.cloud[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
