import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { metricOperations } from './operations.ts';

/** CloudWatch's metrics: PutMetricData and what reads them, on `POST /`. */
export function buildCloudWatchMetrics({ metrics: intake, store, clock }: AwsServiceParts): AwsService {
  return {
    targets: [
      {
        ...{ prefix: 'GraniteServiceVersion20100801', version: '1.0', signingName: 'monitoring' },
        queryCompatible: true,
        operations: metricOperations({ intake, store, clock }),
      },
    ],
  };
}
