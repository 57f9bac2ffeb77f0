import type { DigestAnswers } from '../sync/digest/digest-answer.ts';
import type { SyncCounts } from '../sync/up/sync-up.ts';
import type { Metrics } from './metrics.ts';

/** How often devices have compared a table with the cloud's. */
export type CompareCounts = Readonly<DigestAnswers['counts']>;

/** Shows what devices send of their databases. */
export function watchSync(metrics: Metrics, counts: () => SyncCounts & CompareCounts): void {
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
  metrics.total(
    'ioto_sync_digests_total',
    'Comparisons of a table of a device with what the cloud has',
    () => counts().digests,
  );
  metrics.total('ioto_sync_differences_total', 'Those that found a difference', () => counts().differences);
}
