import { accessError } from '../http/guards.ts';
import type { Authenticator, HttpApp } from '../http/http-app.ts';
import { roleCovers } from '../http/principal.ts';
import type { Metrics } from './metrics.ts';

export interface OperationsCapabilities {
  metrics: Metrics;
  authenticator: Authenticator;
  /** Throws unless everything has started and the store answers. */
  probe: () => Promise<unknown>;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** `GET /healthz` for whoever asks, `GET /metrics` for this machine and for tokens of the whole cloud. */
export function operationsRoutes(
  app: HttpApp,
  { metrics, authenticator, probe }: OperationsCapabilities,
): void {
  app.get('/healthz', async () => {
    await probe();
    return { status: 'ok' };
  });
  app.get('/metrics', async (request, reply) => {
    if (!LOOPBACK.has(request.ip)) {
      const principal = await authenticator.authenticate(
        request as Parameters<Authenticator['authenticate']>[0],
      );
      const wholeCloud =
        principal.kind === 'apiToken' &&
        principal.accountId === undefined &&
        roleCovers(principal.role, 'viewer');
      if (principal.kind !== 'admin' && principal.kind !== 'builderToken' && !wholeCloud) {
        throw accessError('FORBIDDEN', 'metrics are for tokens of the whole cloud');
      }
    }
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}
