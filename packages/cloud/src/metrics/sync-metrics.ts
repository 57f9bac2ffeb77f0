import type { SyncCounts } from '../sync/sync-up.ts';
import type { Metrics } from './metrics.ts';

/** Shows what devices send of their databases. */
export function watchSync(metrics: Metrics, counts: () => SyncCounts): void {
  metrics.gauge(
    'ioto_sync_pending',
    'Changes that wait on devices connected now, as far as they say',
    () => counts().pending,
  );
  metrics.total('ioto_sync_changes_total', 'Changes of devices that were taken in', () => counts().changes);
  metrics.total(
    'ioto_sync_conflicts_total',
    'Versions of items that lost against others unseen: see /device/conflicts',
    () => counts().conflicts,
  );
  metrics.total(
    'ioto_sync_lost_total',
    'Changes that devices gave up before they went up, as far as they say',
    () => counts().lost,
  );
}
