import type { Clock, Component, Logger } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Guards } from '../http/guards.ts';
import type { RouteModule } from '../http/http-service.ts';
import type { BucketRule } from '../limits/token-bucket.ts';
import type { ItemStore } from '../ports/item-store.ts';
import type { SecretSource } from '../state-directory/state-directory.ts';
import { builderAdminRoutes } from './builder-admin-routes.ts';
import { ChangeBell } from './change-bell.ts';
import { cloudApiRoutes } from './clouds/cloud-api-routes.ts';
import { Clouds } from './clouds/clouds.ts';
import { productRoutes } from './products/product-routes.ts';
import { Products } from './products/products.ts';
import { Bindings } from './registrations/bindings.ts';
import { CloudQueue } from './registrations/cloud-queue.ts';
import { registerRoutes } from './registrations/register-routes.ts';
import { Registrations } from './registrations/registrations.ts';
import { createSealer } from './sealing.ts';
import { Waiters } from './waiters.ts';

export interface BuilderCapabilities {
  store: ItemStore;
  clock: Clock;
  logger: Logger;
  audit: AuditLog;
  guards: Guards;
  secrets: SecretSource;
  /** See `RegisterCapabilities`. */
  newcomers?: BucketRule;
}

export interface BuilderParts {
  components: Component[];
  routes: RouteModule[];
  clouds: Clouds;
  products: Products;
  registrations: Registrations;
}

/** The builder: products, registrations, and which cloud and account hold which device. */
export function buildBuilder({
  store,
  clock,
  logger,
  audit,
  guards,
  secrets,
  newcomers,
}: BuilderCapabilities): BuilderParts {
  const sealer = createSealer(() => secrets.secret('sealing'));
  const products = new Products({ store, clock });
  const clouds = new Clouds({ store, clock });
  const registrations = new Registrations({ store, clock, clouds, sealer });
  const bindings = new Bindings({ store, clock, audit, sealer, registrations });
  const queue = new CloudQueue({ store, clock, registrations });
  const waiters = new Waiters({ clock, most: 2 });
  return {
    components: [new ChangeBell({ store, waiters })],
    routes: [
      (app) => registerRoutes(app, { products, registrations, waiters, audit, clock, logger, newcomers }),
      (app) => cloudApiRoutes(app, { clouds, bindings, registrations, queue, waiters, clock }),
      (app) => productRoutes(app, { products, guards }),
      (app) => builderAdminRoutes(app, { clouds, registrations, audit, guards }),
    ],
    clouds,
    products,
    registrations,
  };
}
