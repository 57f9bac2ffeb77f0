import {
  CodedError,
  type Component,
  createLogger,
  Emitter,
  Lifecycle,
  type Logger,
  lockStateDirectory,
  messageOf,
  type StateLock,
  systemClock,
} from '@ioto/runtime';
import type { Agent, AgentOptions, AgentStatus } from './agent.ts';
import type { AgentEvents } from './agent-events.ts';
import { type AgentParts, need } from './agent-parts.ts';
import { StatusBoard } from './agent-status.ts';
import { ServerTime } from './cloud-api/server-time.ts';
import { databaseName } from './config-loading/directories.ts';
import { type LoadedConfig, loadConfig, locateDirectories } from './config-loading/load-config.ts';
import { requireBuilder } from './config-loading/needed.ts';
import { ControlSocket } from './control/control-socket.ts';
import { ProvisionFile } from './identity/provision-file.ts';
import { forgetProvisioning, isResetRequested, requestReset, reset } from './identity/reset.ts';
import { type Metric, openMetric } from './measuring/metric.ts';
import { narrate } from './narrate.ts';
import { SERVICE_MODULES } from './service-modules.ts';
import { planServices, SERVICE_TABLE, type ServiceName } from './service-table.ts';
import type { UrlFetch } from './services/url/fetch.ts';
import { ActionTable } from './services/web/actions/action-table.ts';
import { openWeb } from './services/web/open-web.ts';
import type { Web } from './services/web/web-api.ts';
import { openStore, type Store, type StoreCloud } from './store.ts';

/** Names that one warning tells. */
const MOST_UNREAD = 20;

/**
 * Makes an agent. Nothing is read, written or opened before `start`. Without a `logger` it says on standard error what goes wrong;
 * with one, the program tells what it likes of the events.
 */
export function createAgent(options: AgentOptions = {}): Agent {
  if (options.logger) return new DeviceAgent({ ...options, logger: options.logger });
  const logger = createLogger('ioto', { level: 'warn' });
  const agent = new DeviceAgent({ ...options, logger });
  narrate(agent, logger);
  return agent;
}

/** The composition root: reads the configuration, then makes and starts the parts one after the other. */
class DeviceAgent implements Agent {
  readonly #options: AgentOptions & { logger: Logger };
  readonly #events: Emitter<AgentEvents>;
  readonly #board: StatusBoard;
  readonly #logger: Logger;
  readonly store: Store;
  readonly metric: Metric;
  readonly url: { fetch: UrlFetch };
  readonly web: Web;
  readonly #actions = new ActionTable();
  #parts: AgentParts | undefined;
  #lifecycle: Lifecycle | undefined;
  #lock: StateLock | undefined;

  constructor(options: AgentOptions & { logger: Logger }) {
    this.#options = options;
    this.#logger = options.logger;
    this.#events = new Emitter<AgentEvents>((event, error) =>
      this.#logger.error({ event, error: messageOf(error) }, 'a listener failed'),
    );
    this.#board = new StatusBoard(this.#events);
    this.store = openStore({
      database: () => this.#running.database?.database,
      cloud: () => storeCloud(this.#running),
    });
    this.metric = openMetric(() => ({
      id: this.id,
      sender: need(this.#running.metricSender, 'metrics'),
      ask: need(this.#running.ask, 'mqtt'),
    }));
    this.web = openWeb({
      actions: this.#actions,
      running: () => this.#parts?.web,
      needed: () => need(this.#running.web, 'web'),
    });
    this.url = { fetch: (url, request) => need(this.#running.url, 'url').fetch(url, request) };
  }

  get id(): string {
    const id = this.#running.serialize?.device.id;
    if (id !== undefined) return id;
    throw new CodedError('AGENT_NOT_READY', 'the device has no claim ID');
  }

  get settings() {
    return this.#running.settings;
  }

  get status(): AgentStatus {
    return this.#board.now;
  }

  get db() {
    return need(this.#running.database, 'database').database;
  }

  get shadow() {
    return need(this.#running.shadow, 'shadow');
  }

  get keys() {
    return need(this.#running.keys, 'keys');
  }

  get updates() {
    return need(this.#running.updates, 'update');
  }

  get #running(): AgentParts {
    if (this.#parts) return this.#parts;
    throw new CodedError('AGENT_NOT_READY', 'the agent was not started');
  }

  on: Agent['on'] = (event, listener) => this.#events.on(event, listener);
  once: Agent['once'] = (event, listener) => this.#events.once(event, listener);
  next: Agent['next'] = (event, signal) => this.#events.next(event, signal);

  async ready(signal?: AbortSignal): Promise<void> {
    if (this.#board.now.phase !== 'ready') await this.next('cloud:ready', signal);
  }

  wake(): void {
    this.#parts?.link?.wake();
  }

  async start(signal?: AbortSignal): Promise<void> {
    if (this.#lifecycle) throw new CodedError('AGENT_STARTED', 'the agent was started already');
    const directories = await locateDirectories(this.#options);
    this.#lock = lockStateDirectory(directories.state);
    try {
      this.#board.phase = 'starting';
      const parts = this.#gather(await this.#configure(directories));
      this.#parts = parts;
      this.#lifecycle = new Lifecycle(this.#components(parts));
      await this.#lifecycle.start(signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const lifecycle = this.#lifecycle;
    this.#lifecycle = undefined;
    try {
      await this.#parts?.metricSender?.drain();
      await lifecycle?.stop();
    } finally {
      this.#board.phase = 'stopped';
      this.#lock?.release();
      this.#lock = undefined;
      this.#parts = undefined;
    }
  }

  /** Reads the configuration; when a reset was asked for, or cut short, forgets first what it forgets. */
  async #configure(directories: LoadedConfig['directories']): Promise<LoadedConfig> {
    if (this.#options.reset) await requestReset(directories);
    const resets = await isResetRequested(directories);
    if (resets) await forgetProvisioning(directories);
    const config = await loadConfig(this.#options, directories);
    this.#options.configured?.(config.settings, directories);
    if (resets) await reset(directories, databaseName(config.settings.database.path));
    return config;
  }

  #gather({ settings, directories, locate, unread }: LoadedConfig): AgentParts {
    const { clock = systemClock, random = Math.random, checkpoint = () => undefined } = this.#options;
    const plan = planServices(settings.services, new Set(Object.keys(SERVICE_MODULES)));
    if (plan.on.has('register')) requireBuilder(settings);
    if (unread.length > 0) {
      const names = unread.slice(0, MOST_UNREAD).join(', ');
      this.#logger.warn({ names }, 'the configuration has names that are no settings: nothing reads them');
    }
    for (const warning of plan.warnings) this.#logger.warn({}, warning);
    if (settings.log.path === 'cloud' && !plan.on.has('logs')) {
      this.#logger.warn({}, "log.path is 'cloud', but the service logs is off: the log stays here");
    }
    if (settings.mqtt.schedule !== undefined) {
      this.#logger.warn({}, 'this build does not know mqtt.schedule: the device stays connected');
    }
    return {
      options: this.#options,
      settings,
      directories,
      locate,
      plan,
      clock,
      random,
      checkpoint,
      logger: this.#logger,
      events: this.#events,
      board: this.#board,
      actions: this.#actions,
      control: { db: () => need<never>(undefined, 'database') },
      serverTime: new ServerTime(clock, (difference) => this.#events.emit('clock:corrected', { difference })),
      provisionFile: new ProvisionFile({ directories, record: settings.provision, checkpoint }),
    };
  }

  #components(parts: AgentParts): Component[] {
    const { plan, directories, logger } = parts;
    // serialize also hands out an ID that stands in a file, so that it runs whatever its mode.
    const services = SERVICE_TABLE.filter(({ name }) => name === 'serialize' || plan.on.has(name));
    return [
      lazily('status', async () => this.#begin(parts)),
      ...services.map(({ name }) => lazily(name, () => buildService(name, parts))),
      new ControlSocket(directories.state, { wake: () => this.wake() }, logger, parts.control),
      lazily('local', async () => {
        this.#events.emit('local:ready', { id: parts.serialize?.device.id });
        return undefined;
      }),
      lazily('link', async () => parts.openLink?.()),
    ];
  }

  async #begin({ settings, provisionFile }: AgentParts): Promise<undefined> {
    this.#board.name = settings.device.name;
    this.#board.begin({
      claimed: provisionFile.record.accountId !== undefined,
      provisioned: provisionFile.hasCertificate,
    });
    return undefined;
  }
}

async function buildService(name: ServiceName, parts: AgentParts): Promise<Component | undefined> {
  const module = await SERVICE_MODULES[name]?.();
  return module?.build(parts);
}

function storeCloud({ mqtt, ask, identity, settings, provisionFile }: AgentParts): StoreCloud {
  const { publish } = need(mqtt, 'mqtt');
  const { id } = need(identity, 'mqtt');
  return {
    id,
    isOurs: provisionFile.isCloudOurs,
    publish,
    ask: need(ask, 'mqtt'),
    maxBytes: settings.limits.item,
  };
}

/** A component that is made when its turn comes, from what was made before it. */
function lazily(
  name: string,
  build: () => Component | undefined | Promise<Component | undefined>,
): Component {
  let made: Component | undefined;
  return {
    name,
    async start(signal) {
      made = await build();
      await made?.start(signal);
    },
    async stop() {
      await made?.stop();
    },
  };
}
