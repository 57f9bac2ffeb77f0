import type { MetricIntake } from '../device-metrics/metric-intake.ts';
import type { Metrics } from './metrics.ts';

/** Shows how many of the metrics that devices set were stored. */
export function watchMetricIntake(metrics: Metrics, counters: Readonly<MetricIntake['counters']>): void {
  metrics.total(
    'ioto_device_metrics_taken_total',
    'Metrics of devices that were stored',
    () => counters.taken,
  );
  metrics.total(
    'ioto_device_metrics_refused_total',
    'Metrics of devices that were dropped: malformed, or beyond what a device or an account may have',
    () => counters.refused,
  );
}
