import type { AwsService, AwsServiceParts } from '../aws-services.ts';

export function buildCertificates(_parts: AwsServiceParts): AwsService {
  return {};
}
