import type { Complaints } from '../limits/complaints.ts';
import type { RequestHandler } from '../sync/service-messages.ts';
import type { MetricDesk } from './metric-desk.ts';
import { readMetricGet } from './metric-message.ts';

/**
 * Answers `metric/get { "metric", "dimensions", "period", "statistic" }` with the bare number (Ioto contract §7), and with
 * empty text when there is none.
 */
export function metricGet({
  desk,
  complaints,
}: {
  desk: MetricDesk;
  complaints: Complaints;
}): RequestHandler {
  return async ({ accountId, deviceId }, body) => {
    const question = readMetricGet(body, deviceId);
    if ('refused' in question) {
      complaints.of(deviceId, 'question for a metric not understood', { why: question.refused });
      return '';
    }
    const value = await desk.value({ accountId, ...question });
    return value === undefined ? '' : String(value);
  };
}
