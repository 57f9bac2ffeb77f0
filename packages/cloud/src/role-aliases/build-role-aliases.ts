import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildRoleAliases(_parts: AwsServiceParts): AwsService {
  return {};
}
