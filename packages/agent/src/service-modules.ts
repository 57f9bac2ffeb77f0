import type { ServiceModules } from './agent-parts.ts';

/**
 * What this build contains: the code of each service, loaded when it is on and its turn to start has come. A service that
 * is off costs neither time nor memory, and one that is not here is not known to this build. Nothing else in the agent
 * imports code of a service.
 */
export const SERVICE_MODULES: ServiceModules = {
  url: () => import('./services/url/build.ts'),
  serialize: () => import('./services/serialize/build.ts'),
  database: () => import('./services/database/build.ts'),
  web: () => import('./services/web/build.ts'),
  register: () => import('./services/register/build.ts'),
  provision: () => import('./services/provision/build.ts'),
  keys: () => import('./services/keys/build.ts'),
  mqtt: () => import('./services/mqtt/build.ts'),
  metrics: () => import('./services/metrics/build.ts'),
  sync: () => import('./services/sync/build.ts'),
  shadow: () => import('./services/shadow/build.ts'),
  certificates: () => import('./services/certificates/build.ts'),
  logs: () => import('./services/logs/build.ts'),
  jobs: () => import('./services/jobs/build.ts'),
  update: () => import('./services/update/build.ts'),
};
