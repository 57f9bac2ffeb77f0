import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import { metricOperations } from './operations.ts';

/** Data that an account may put, by the burst and the milliseconds that give a burst back. */
const PUT_RATE = { burst: 20_000, period: 10_000 };

/** CloudWatch's metrics: PutMetricData and what reads them, on `POST /`. */
export function buildCloudWatchMetrics({ metrics: intake, store, clock }: AwsServiceParts): AwsService {
  return {
    targets: [
      {
        ...{ prefix: 'GraniteServiceVersion20100801', version: '1.0', signingName: 'monitoring' },
        queryCompatible: true,
        operations: metricOperations({
          intake,
          store,
          clock,
          rate: new TokenBuckets({ clock, rule: PUT_RATE }),
        }),
      },
    ],
  };
}
