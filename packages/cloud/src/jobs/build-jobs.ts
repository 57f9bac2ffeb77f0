import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildJobs(_parts: AwsServiceParts): AwsService {
  return {};
}
