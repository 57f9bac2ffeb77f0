import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildUpdates(_parts: AwsServiceParts): AwsService {
  return {};
}
