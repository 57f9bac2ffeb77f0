import type { Metrics } from './metrics.ts';

/** Shows the processes that do TLS. */
export function watchWorkers(
  metrics: Metrics,
  workers: { readonly serving: number; readonly restarts: number },
): void {
  metrics.gauge(
    'ioto_tls_workers',
    'Processes that take connections and do their TLS now',
    () => workers.serving,
  );
  metrics.total(
    'ioto_tls_worker_restarts_total',
    'Processes that were started in the place of one that had ended',
    () => workers.restarts,
  );
}
