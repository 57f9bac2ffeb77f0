import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import { CodedError } from '@ioto/runtime';
import type { AgentOptions } from './agent.ts';
import type { AgentEvents } from './agent-events.ts';
import type { StatusBoard } from './agent-status.ts';
import type { DeviceApi } from './cloud-api/device-api.ts';
import type { ServerTime } from './cloud-api/server-time.ts';
import type { AgentSettings } from './config.ts';
import type { Directories } from './config-loading/directories.ts';
import type { Locate } from './config-loading/settings.ts';
import type { RequestHandler } from './control/control-socket.ts';
import type { IdentityKey } from './identity/identity-key.ts';
import type { ProvisionFile } from './identity/provision-file.ts';
import type { Link, LinkSteps } from './link/link.ts';
import type { MetricSender } from './measuring/metric-sender.ts';
import type { AwsFetch, Keys, Renewal, Shadow, Updates } from './service-apis.ts';
import type { ServiceName, ServicePlan } from './service-table.ts';
import type { DatabaseService } from './services/database/service.ts';
import type { Ask } from './services/mqtt/requests.ts';
import type { MqttService } from './services/mqtt/service.ts';
import type { TopicTable } from './services/mqtt/topic-table.ts';
import type { ProvisionService } from './services/provision/service.ts';
import type { RegisterService } from './services/register/service.ts';
import type { SerializeService } from './services/serialize/service.ts';
import type { SyncService } from './services/sync/service.ts';
import type { UrlService } from './services/url/service.ts';
import type { ActionTable } from './services/web/actions/action-table.ts';
import type { RunningWeb } from './services/web/open-web.ts';

/** What one run of an agent is made of. The composition root alone sees all of it; each part is handed what it asks for. */
export interface AgentParts {
  readonly options: AgentOptions;
  readonly settings: AgentSettings;
  readonly directories: Directories;
  /** Where a setting was set, for an error about it. */
  readonly locate: Locate;
  readonly plan: ServicePlan;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter<AgentEvents>;
  readonly random: () => number;
  readonly checkpoint: NonNullable<AgentOptions['checkpoint']>;
  readonly board: StatusBoard;
  readonly serverTime: ServerTime;
  readonly provisionFile: ProvisionFile;
  /** What the program answers by the web server; there whether the service is or not. */
  readonly actions: ActionTable;
  /** Requests that the control socket answers, by their `do`; a service adds its own. */
  readonly control: Record<string, RequestHandler>;
  // Made one after the other as the services start.
  url?: UrlService;
  serialize?: SerializeService;
  database?: DatabaseService;
  identity?: { id: string; key: IdentityKey; api: DeviceApi };
  register?: RegisterService;
  provision?: ProvisionService;
  /** Credentials; there with the service keys. */
  keys?: Keys;
  /** Signs with them; there with the service keys. */
  awsFetch?: AwsFetch;
  mqtt?: MqttService;
  /** Who takes which reserved topics; there with the service mqtt. */
  topics?: TopicTable;
  /** Connects as the link asks; there with the service mqtt. */
  connecting?: LinkSteps['mqtt'];
  /** Asks the cloud; there with the service mqtt. */
  ask?: Ask;
  /** The way of metrics up; there with the service metrics. */
  metricSender?: MetricSender;
  sync?: SyncService;
  shadow?: Shadow;
  updates?: Updates;
  /** There with the service certificates. */
  renewal?: Renewal;
  web?: RunningWeb;
  /** Makes the walk to the cloud, when every service has started; there with the service register. */
  openLink?: () => Component;
  link?: Link;
}

/** How a service is made from what was made before it. */
export interface ServiceModule {
  build(parts: AgentParts): Component | Promise<Component>;
}

/** The services of a build; each is loaded when it is asked for. */
export type ServiceModules = Readonly<Partial<Record<ServiceName, () => Promise<ServiceModule>>>>;

/** A part that must be there by now. */
export function need<T>(part: T | undefined, name: string): T {
  if (part !== undefined) return part;
  throw new CodedError('SERVICE_OFF', `the service ${name} is not running`);
}
