import type { Clock, Emitter, Logger } from '@ioto/runtime';
import { CodedError } from '@ioto/runtime';
import type { AgentOptions } from './agent.ts';
import type { AgentEvents } from './agent-events.ts';
import type { StatusBoard } from './agent-status.ts';
import type { DeviceApi } from './cloud-api/device-api.ts';
import type { ServerTime } from './cloud-api/server-time.ts';
import type { AgentSettings } from './config.ts';
import type { Directories } from './config-loading/directories.ts';
import type { IdentityKey } from './identity/identity-key.ts';
import type { ProvisionFile } from './identity/provision-file.ts';
import type { Link } from './link/link.ts';
import type { MetricSender } from './measuring/metric-sender.ts';
import type { ServicePlan } from './service-table.ts';
import type { DatabaseService } from './services/database/service.ts';
import type { Ask } from './services/mqtt/requests.ts';
import type { MqttService } from './services/mqtt/service.ts';
import type { ProvisionService } from './services/provision/service.ts';
import type { RegisterService } from './services/register/service.ts';
import type { SerializeService } from './services/serialize/service.ts';
import type { SyncService } from './services/sync/service.ts';
import type { UrlService } from './services/url/service.ts';

/** What one run of an agent is made of. The composition root alone sees all of it; each part is handed what it asks for. */
export interface AgentParts {
  readonly options: AgentOptions;
  readonly settings: AgentSettings;
  readonly directories: Directories;
  readonly plan: ServicePlan;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter<AgentEvents>;
  readonly random: () => number;
  readonly checkpoint: NonNullable<AgentOptions['checkpoint']>;
  readonly board: StatusBoard;
  readonly serverTime: ServerTime;
  readonly provisionFile: ProvisionFile;
  // Made one after the other as the services start.
  url?: UrlService;
  serialize?: SerializeService;
  database?: DatabaseService;
  identity?: { id: string; key: IdentityKey; api: DeviceApi };
  register?: RegisterService;
  provision?: ProvisionService;
  mqtt?: MqttService;
  /** Asks the cloud; there with the service mqtt. */
  ask?: Ask;
  /** The way of metrics up; there with the service mqtt. */
  metricSender?: MetricSender;
  sync?: SyncService;
  link?: Link;
}

/** A part that must be there by now. */
export function need<T>(part: T | undefined, name: string): T {
  if (part !== undefined) return part;
  throw new CodedError('SERVICE_OFF', `the service ${name} is not running`);
}
