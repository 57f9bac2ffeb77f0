import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildCloudWatchMetrics(_parts: AwsServiceParts): AwsService {
  return {};
}
