import { type Clock, type Component, Lifecycle, type Logger, silentLogger, systemClock } from '@ioto/runtime';
import { AuditLog } from './audit/audit-log.ts';
import { type CloudConfig, cloudConfig } from './config.ts';
import { HttpService, type RouteModule } from './http/http-service.ts';
import { LmdbItemStore } from './platform/embedded/lmdb-item-store.ts';
import { StateDirectory } from './state-directory/state-directory.ts';

export interface CloudOptions extends Partial<CloudConfig> {
  clock?: Clock;
  logger?: Logger;
}

/** A builder, a device cloud, or both, in this process. */
export interface Cloud {
  start(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** The composition root: the components in start order, each with what it asks for. Does nothing until `start`. */
export function createCloud(options: CloudOptions = {}): Cloud {
  const { clock = systemClock, logger = silentLogger, ...given } = options;
  const config = cloudConfig(given);
  const state = new StateDirectory(config.state);
  const store = new LmdbItemStore({ directory: state.file('items'), logger });
  const audit = new AuditLog({ store, clock });
  void audit;

  const api: RouteModule[] = [
    // author A: identityRoutes, builderRoutes, cloudApiRoutes
    // AUTHOR B, HERE: (app) => deviceRoutes(app, {...}), genericItemRoutes, provisionRoutes
  ];
  const http = new HttpService({ clock, logger, api, root: [] });

  const components: Component[] = [
    state,
    store,
    // AUTHOR B, HERE: the certificate authority (writes state.file('ca.crt')); it is the front door's ServerIdentitySource
    // author A: identity (first login), builder (first cloud key)
    // AUTHOR B, HERE: devices, sync, MQTT endpoint (DeviceConnections for the front door)
    http,
    // author A: front door (listens; from here on `place()` tells the real port)
    // AUTHOR B, HERE: what asks the builder (register the cloud, wait for pending self-claims): needs the real port
  ];
  const lifecycle = new Lifecycle(components);
  return { start: (signal) => lifecycle.start(signal), stop: () => lifecycle.stop() };
}
