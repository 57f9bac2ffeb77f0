import type { Schema } from '@ioto/database';
import type { Clock, Component, Logger } from '@ioto/runtime';
import type { AuditLog } from './audit/audit-log.ts';
import type { AwsRoutes } from './aws-http/aws-scope.ts';
import type { JsonTarget } from './aws-http/json-target.ts';
import { buildCertificates } from './certificates/build-certificates.ts';
import { buildCloudWatchLogs } from './cloudwatch-logs/build-cloudwatch-logs.ts';
import { buildCloudWatchMetrics } from './cloudwatch-metrics/build-cloudwatch-metrics.ts';
import type { CredentialDesk } from './credentials/credential-desk.ts';
import type { MetricDesk } from './device-metrics/metric-desk.ts';
import type { MetricIntake } from './device-metrics/metric-intake.ts';
import type { AccountDevices } from './devices/account-devices.ts';
import type { CloudPlace } from './devices/cloud-place.ts';
import type { DeviceDirectory } from './devices/device-directory.ts';
import type { DeviceDoor } from './devices/device-door.ts';
import type { DeviceRecords } from './devices/device-records.ts';
import type { DeviceProvisioning } from './devices/provisioning.ts';
import type { Turns } from './devices/turns.ts';
import type { Guards } from './http/guards.ts';
import type { RouteModule } from './http/http-service.ts';
import type { AccountDirectory } from './identity/accounts.ts';
import type { Sponsors } from './identity/sponsors.ts';
import { buildJobs } from './jobs/build-jobs.ts';
import type { CertificateAuthority } from './ports/certificate-authority.ts';
import type { CredentialIssuer } from './ports/credential-issuer.ts';
import type { DeviceEndpoint } from './ports/device-endpoint.ts';
import type { ItemStore } from './ports/item-store.ts';
import type { ReservedHandlers } from './reserved-topics/reserved-topics.ts';
import { buildRoleAliases } from './role-aliases/build-role-aliases.ts';
import { buildShadows } from './shadows/build-shadows.ts';
import type { SecretSource } from './state-directory/state-directory.ts';
import { buildUpdates } from './updates/build-updates.ts';

/** What services may use that speak the wire formats of AWS, and those of updates. */
export interface AwsServiceParts {
  store: ItemStore;
  audit: AuditLog;
  accounts: AccountDirectory;
  sponsors: Sponsors;
  guards: Guards;
  secrets: SecretSource;
  /** Path of a file or directory of a service's own, below the state directory. */
  file: (...names: string[]) => string;
  authority: CertificateAuthority;
  credentials: CredentialIssuer;
  credentialDesk: CredentialDesk;
  endpoint: DeviceEndpoint;
  place: () => CloudPlace;
  schema: Schema;
  records: DeviceRecords;
  /** Which devices an account holds, in memory. */
  accountDevices: AccountDevices;
  directory: DeviceDirectory;
  provisioning: DeviceProvisioning;
  /** To be told of certificates that are void from now on. */
  door: Pick<DeviceDoor, 'revoked'>;
  /** Bytes of packed logs that an account may keep; default 10 GiB. */
  logQuota?: number;
  metrics: MetricIntake;
  metricDesk: MetricDesk;
  /** What is done to a device, one after the other. */
  turns: Turns;
  clock: Clock;
  logger: Logger;
}

/** What a service adds to the device cloud. */
export interface AwsService {
  /** On AWS's own paths. */
  routes?: readonly AwsRoutes[];
  /** On `POST /`. */
  targets?: readonly JsonTarget[];
  /** Of our own API, below `/api`. */
  api?: readonly RouteModule[];
  topics?: ReservedHandlers;
  /** Started before the endpoint takes connections. */
  components?: readonly Component[];
  /** Done before a device's next owner can come: takes away, or puts aside, what the one before had of it. May be done twice. */
  leaving?: (accountId: string, deviceId: string) => Promise<void>;
}

/** All of them together. */
export interface AwsServices {
  routes: readonly AwsRoutes[];
  targets: readonly JsonTarget[];
  api: readonly RouteModule[];
  topics: ReservedHandlers;
  components: readonly Component[];
  leaving(accountId: string, deviceId: string): Promise<void>;
}

export function buildAwsServices(parts: AwsServiceParts): AwsServices {
  const services: AwsService[] = [
    buildShadows(parts),
    buildRoleAliases(parts),
    buildCloudWatchLogs(parts),
    buildCloudWatchMetrics(parts),
    buildJobs(parts),
    buildCertificates(parts),
    buildUpdates(parts),
  ];
  return {
    routes: services.flatMap(({ routes = [] }) => routes),
    targets: services.flatMap(({ targets = [] }) => targets),
    api: services.flatMap(({ api = [] }) => api),
    topics: Object.assign({}, ...services.map(({ topics }) => topics)),
    components: services.flatMap(({ components = [] }) => components),
    async leaving(accountId, deviceId) {
      for (const { leaving } of services) await leaving?.(accountId, deviceId);
    },
  };
}
