import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildShadows(_parts: AwsServiceParts): AwsService {
  return {};
}
