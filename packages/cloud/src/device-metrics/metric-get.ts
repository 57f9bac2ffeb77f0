import type { Logger } from '@ioto/runtime';
import type { RequestHandler } from '../sync/service-messages.ts';
import type { MetricDesk } from './metric-desk.ts';
import { readMetricGet } from './metric-message.ts';

/**
 * Answers `metric/get { "metric", "dimensions", "period", "statistic" }` with the bare number (Ioto contract §7), and with
 * empty text when there is none.
 */
export function metricGet({ desk, logger }: { desk: MetricDesk; logger: Logger }): RequestHandler {
  return async ({ accountId, deviceId }, body) => {
    const question = readMetricGet(body, deviceId);
    if ('refused' in question) {
      logger.warn({ deviceId, why: question.refused }, 'question for a metric not understood');
      return '';
    }
    const value = await desk.value({ accountId, ...question });
    return value === undefined ? '' : String(value);
  };
}
