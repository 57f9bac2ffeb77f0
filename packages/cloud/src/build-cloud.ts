import {
  type Clock,
  CodedError,
  type Component,
  Lifecycle,
  type Logger,
  silentLogger,
  systemClock,
} from '@ioto/runtime';
import { AuditLog } from './audit/audit-log.ts';
import { buildBuilder } from './builder/build-builder.ts';
import { LocalCloud } from './builder/clouds/local-cloud.ts';
import { type CloudConfig, cloudConfig, parseAddress } from './config.ts';
import type { CloudPlace } from './devices/cloud-place.ts';
import { FrontDoor, type FrontDoorLimits } from './front-door/front-door.ts';
import { type HttpLimits, HttpService, type RouteModule } from './http/http-service.ts';
import { buildIdentity } from './identity/build-identity.ts';
import type { FirstLogin } from './identity/first-login.ts';
import { Metrics } from './metrics/metrics.ts';
import { operationsRoutes } from './metrics/operations-routes.ts';
import { EmbeddedCa } from './platform/embedded/embedded-ca.ts';
import { LmdbItemStore } from './platform/embedded/lmdb-item-store.ts';
import type { DeviceConnections } from './ports/device-endpoint.ts';
import { StateDirectory } from './state-directory/state-directory.ts';
import { WhereItRuns } from './state-directory/where-it-runs.ts';

export interface CloudOptions extends Partial<CloudConfig> {
  clock?: Clock;
  logger?: Logger;
  limits?: { http?: Partial<HttpLimits>; frontDoor?: Partial<FrontDoorLimits> };
}

/** A builder, a device cloud, or both, in this process. */
export interface Cloud {
  /** Resolves when everything serves. @throws whatever kept a component from starting, after rolling the others back. */
  start(signal?: AbortSignal): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
  /** Where it is, with the real ports. Valid while it runs. */
  place(): CloudPlace & { ports: { main: number; mqtt?: number; mtls?: number } };
  /** PEM of the authority that clients must trust. Valid while it runs. */
  readonly authority: string;
  /** The owner login, in the process that made it at the first start. */
  readonly firstLogin: FirstLogin | undefined;
  /** The bearer token that may do everything; for those who hold the state directory. */
  adminKey(): Promise<string>;
  readonly metrics: Metrics;
}

/** The composition root: the components in start order, each with what it asks for. Does nothing until `start`. */
export function createCloud(options: CloudOptions = {}): Cloud {
  const { clock = systemClock, logger = silentLogger, limits = {}, ...given } = options;
  const config = cloudConfig(given);
  const isBuilder = config.roles.includes('builder');
  const isDeviceCloud = config.roles.includes('device-cloud');

  const state = new StateDirectory(config.state);
  const store = new LmdbItemStore({ directory: state.file('items'), logger });
  const metrics = new Metrics();
  const audit = new AuditLog({ store, clock });
  const authority = new EmbeddedCa({ directory: state.path, hosts: [config.host], clock, logger });
  const identity = buildIdentity({ store, clock, audit, adminKey: () => state.adminKey() });
  const { guards, authenticator } = identity;

  const builder = isBuilder
    ? buildBuilder({ store, clock, logger, audit, guards, secrets: state })
    : undefined;
  const localCloud =
    builder && isDeviceCloud
      ? new LocalCloud({
          clouds: builder.clouds,
          clock,
          keyFile: state.file('keys', 'cloud.key'),
          facts: { name: config.name, type: config.type, region: config.region },
        })
      : undefined;

  const api: RouteModule[] = [...identity.routes, ...(builder?.routes ?? [])];
  const probe = () => store.get('health', 'probe');
  const http = new HttpService({
    clock,
    logger,
    limits: limits.http,
    api,
    root: [(app) => operationsRoutes(app, { metrics, authenticator, probe })],
    onAnswer: (route, status, seconds) => metrics.answered(route, status, seconds),
  });
  const devices: DeviceConnections | undefined = undefined;
  const frontDoor = new FrontDoor({
    listen: parseAddress(config.listen),
    mqtt: config.mqtt === undefined ? undefined : parseAddress(config.mqtt),
    mtls: config.mtls === undefined ? undefined : parseAddress(config.mtls),
    identity: authority,
    http: () => http.server,
    devices,
    clock,
    logger,
    limits: limits.frontDoor,
    onRefused: (reason) => metrics.refused(reason),
  });
  const place = () => placeOf(config, frontDoor.ports);
  const whereItRuns = new WhereItRuns({
    file: state.file('running.json'),
    facts: () => ({
      api: place().api,
      servername: config.host,
      host: dialable(config.listen),
      port: place().port,
      pid: process.pid,
    }),
  });

  const components: Component[] = [
    state,
    store,
    authority,
    identity.firstLogin,
    ...(builder?.components ?? []),
    ...(localCloud ? [localCloud] : []),
    http,
    frontDoor,
    whereItRuns,
  ];
  const lifecycle = new Lifecycle(components);
  return {
    start: (signal) => lifecycle.start(signal),
    stop: () => lifecycle.stop(),
    place,
    get authority() {
      return authority.authority;
    },
    get firstLogin() {
      return identity.firstLogin.made;
    },
    adminKey: () => state.adminKey(),
    metrics,
  };
}

function placeOf(config: CloudConfig, ports: readonly number[]): ReturnType<Cloud['place']> {
  const [main, ...others] = ports;
  if (!main) throw new CodedError('CLOUD_STOPPED', 'the cloud does not listen');
  const { name, type, region, host } = config;
  return {
    name,
    type,
    region,
    endpoint: host,
    port: main,
    api: `https://${host}:${main}/api`,
    ports: {
      main,
      mqtt: config.mqtt === undefined ? undefined : others[0],
      mtls: config.mtls === undefined ? undefined : others.at(-1),
    },
  };
}

/** The address to reach a listener by from this machine. */
function dialable(listen: string): string {
  const { host } = parseAddress(listen);
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
