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
import { AwsAuthorization } from './aws-http/aws-caller.ts';
import { awsScope } from './aws-http/aws-scope.ts';
import { buildDeviceCloud, type DeviceCloudParts } from './build-device-cloud.ts';
import { buildBuilder } from './builder/build-builder.ts';
import { LocalCloud } from './builder/clouds/local-cloud.ts';
import { HttpBuilderClient } from './builder-client/http-builder-client.ts';
import { RemoteBuilder } from './builder-client/remote-builder.ts';
import { type CloudConfig, cloudConfig, parseAddress } from './config.ts';
import type { CloudPlace } from './devices/cloud-place.ts';
import { FrontDoor, type FrontDoorOptions } from './front-door/front-door.ts';
import type { FrontDoorLimits } from './front-door/tls-doors.ts';
import type { HttpApp } from './http/http-app.ts';
import { type HttpLimits, HttpService, type RouteModule } from './http/http-service.ts';
import { buildIdentity } from './identity/build-identity.ts';
import type { FirstLogin } from './identity/first-login.ts';
import { watchEndpoint } from './metrics/endpoint-metrics.ts';
import { watchMetricIntake } from './metrics/metric-intake-metrics.ts';
import { Metrics } from './metrics/metrics.ts';
import { operationsRoutes } from './metrics/operations-routes.ts';
import { watchSync } from './metrics/sync-metrics.ts';
import { watchWorkers } from './metrics/worker-metrics.ts';
import { EmbeddedCa } from './platform/embedded/embedded-ca.ts';
import { EmbeddedCredentials } from './platform/embedded/embedded-credentials.ts';
import { LmdbItemStore } from './platform/embedded/lmdb-item-store.ts';
import { LmdbSessionStore } from './platform/embedded/lmdb-session-store.ts';
import { MqttEndpoint } from './platform/embedded/mqtt-endpoint.ts';
import { KeyCache } from './sigv4/key-cache.ts';
import { StateDirectory } from './state-directory/state-directory.ts';
import { WhereItRuns } from './state-directory/where-it-runs.ts';
import { TlsWorkers } from './tls-workers/tls-workers.ts';
import { MqttWebSocket, type WebSocketLimits } from './websocket/mqtt-websocket.ts';

export interface CloudOptions extends Omit<Partial<CloudConfig>, 'schema'> {
  /** The content of the schema file, with what it blends in (`readSchema`); core models that it leaves out are added. */
  schema?: Readonly<Record<string, unknown>>;
  clock?: Clock;
  logger?: Logger;
  limits?: {
    http?: Partial<HttpLimits>;
    frontDoor?: Partial<FrontDoorLimits>;
    webSocket?: Partial<WebSocketLimits>;
  };
}

/** Where a running cloud is, and what those who embed it need to use it. */
export interface CloudAccess extends CloudPlace {
  /** The real ports, also where 0 was asked for. */
  ports: { main: number; mqtt?: number; mtls?: number };
  /** PEM of the authority that clients must trust, and the file that holds it. */
  authority: string;
  authorityFile: string;
  /** The bearer token that may do everything: never show it. */
  adminKey: string;
}

/** A builder, a device cloud, or both, in this process. */
export interface Cloud {
  /** Resolves when everything serves. @throws whatever kept a component from starting, after rolling the others back. */
  start(signal?: AbortSignal): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
  /** Where it is, with the real ports. Valid while it runs. */
  place(): CloudAccess;
  /** The owner login, in the process that made it at the first start. */
  readonly firstLogin: FirstLogin | undefined;
  readonly metrics: Metrics;
}

/** The composition root: the components in start order, each with what it asks for. Does nothing until `start`. */
export function createCloud(options: CloudOptions = {}): Cloud {
  const { clock = systemClock, logger = silentLogger, limits = {}, schema, ...given } = options;
  const config = cloudConfig(given);
  const isBuilder = config.roles.includes('builder');
  const isDeviceCloud = config.roles.includes('device-cloud');

  const state = new StateDirectory(config.state);
  const store = new LmdbItemStore({ directory: state.file('items'), logger });
  const metrics = new Metrics();
  const audit = new AuditLog({ store, clock });
  const authority = new EmbeddedCa({
    ...{ directory: state.path, hosts: [config.host], clock, logger },
    deviceCertificateLife: config.certificateLife * 86_400_000,
  });
  const identity = buildIdentity({ store, clock, audit, adminKey: () => state.adminKey });
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

  const place = () => placeOf(config, frontDoor.ports);
  const remoteBuilder = config.builder
    ? new RemoteBuilder({ keyFile: config.cloudKeyFile ?? '', authorityFile: config.builderAuthority })
    : undefined;
  const builderClient = new HttpBuilderClient({
    base: () => config.builder ?? `https://${urlHost(dialable(config.listen))}:${frontDoor.ports[0]}/api`,
    key: () => (remoteBuilder ? remoteBuilder.key : (localCloud?.key ?? '')),
    authority: () => (remoteBuilder ? remoteBuilder.authority : authority.authority),
    ...(remoteBuilder ? {} : { serverName: config.host }),
  });
  const sessions = new LmdbSessionStore({ directory: state.file('sessions'), logger });
  const endpoint: MqttEndpoint = new MqttEndpoint({
    gate: () => deviceCloudOf(devices).gate,
    tools: () => deviceCloudOf(devices).tools,
    sessions,
    clock,
    logger,
  });
  const credentials = new EmbeddedCredentials({ secret: () => state.secret('session-token'), clock });
  const opened = new KeyCache({ opener: credentials, clock });
  const devices = isDeviceCloud
    ? buildDeviceCloud({
        ...{ store, audit, guards, authority, endpoint, place, clock, logger },
        accounts: identity.accounts,
        sponsors: identity.sponsors,
        credentials,
        secrets: state,
        file: (...names) => state.file(...names),
        builder: builderClient,
        schema,
        logQuota: config.logQuota * 2 ** 30,
      })
    : undefined;

  const webSocket = new MqttWebSocket({
    ...{ endpoint, credentials: opened, clock, logger },
    region: () => config.region,
    limits: limits.webSocket,
    onRefused: (code) => metrics.refused(`WebSocket: ${code}`),
  });
  if (devices) {
    watchEndpoint(metrics, () => endpoint.counters);
    watchSync(metrics, () => devices.syncCounts);
    watchMetricIntake(metrics, devices.metricCounts);
    metrics.gauge('ioto_websocket_connections', 'WebSockets open now', () => webSocket.open);
  }

  const api: RouteModule[] = [...identity.routes, ...(builder?.routes ?? []), ...(devices?.routes ?? [])];
  let serving = false;
  const probe = async () => {
    if (!serving) throw new CodedError('STARTING', 'the cloud is starting or stopping', { status: 503 });
    await store.get('health', 'probe');
  };
  const authorizer = new AwsAuthorization({
    ...{ credentials: opened, clock },
    gate: () => deviceCloudOf(devices).gate,
    tools: () => deviceCloudOf(devices).tools,
    region: () => config.region,
  });
  const http = new HttpService({
    clock,
    logger,
    limits: limits.http,
    api,
    root: [
      (app) => operationsRoutes(app, { metrics, authenticator, probe }),
      ...(devices ? [(app: HttpApp) => awsScope(app, { authorizer, clock, logger, ...devices.aws })] : []),
    ],
    onAnswer: (route, status, seconds) => metrics.answered(route, status, seconds),
    ...(devices ? { onUpgrade: (request, socket, head) => webSocket.upgrade(request, socket, head) } : {}),
  });
  const atTheDoor: FrontDoorOptions = {
    listen: parseAddress(config.listen),
    mqtt: config.mqtt === undefined ? undefined : parseAddress(config.mqtt),
    mtls: config.mtls === undefined ? undefined : parseAddress(config.mtls),
    identity: authority,
    behind: {
      ...(devices ? { mqtt: (stream, peer) => endpoint.accept(stream, peer) } : {}),
      https: (stream, peer) => http.accept(stream, peer),
      'https-with-certificate': (stream, peer) => http.accept(stream, peer),
    },
    clock,
    logger,
    limits: limits.frontDoor,
    onRefused: (reason) => metrics.refused(reason),
  };
  const workers =
    config.workers > 0
      ? new TlsWorkers({ ...atTheDoor, count: config.workers, directory: state.path })
      : undefined;
  if (workers) watchWorkers(metrics, workers);
  const frontDoor: FrontDoor | TlsWorkers = workers ?? new FrontDoor(atTheDoor);
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
    ...(workers ? [workers.processes] : []),
    ...(builder?.components ?? []),
    ...(localCloud ? [localCloud] : []),
    ...(remoteBuilder ? [remoteBuilder] : []),
    ...(devices ? [builderClient, ...devices.components, sessions, endpoint, webSocket] : []),
    http,
    frontDoor,
    ...(devices?.afterFrontDoor ?? []),
    whereItRuns,
    identity.firstLogin,
  ];
  const lifecycle = new Lifecycle(components);
  return {
    async start(signal) {
      await lifecycle.start(signal);
      serving = true;
    },
    async stop() {
      serving = false;
      await lifecycle.stop();
    },
    place: () => ({
      ...place(),
      authority: authority.authority,
      authorityFile: state.file('ca.crt'),
      adminKey: state.adminKey,
    }),
    get firstLogin() {
      return identity.firstLogin.made;
    },
    metrics,
  };
}

function placeOf(config: CloudConfig, ports: readonly number[]): CloudPlace & Pick<CloudAccess, 'ports'> {
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

function deviceCloudOf(devices: DeviceCloudParts | undefined): DeviceCloudParts {
  if (!devices) throw new CodedError('CLOUD_STOPPED', 'this process is no device cloud');
  return devices;
}

/** The address to reach a listener by from this machine. */
function dialable(listen: string): string {
  const { host } = parseAddress(listen);
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function urlHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
