import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildCloudWatchLogs(_parts: AwsServiceParts): AwsService {
  return {};
}
