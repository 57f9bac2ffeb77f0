import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { CertificateDesk } from './certificate-desk.ts';
import { CertificateMessages } from './certificate-messages.ts';
import { certificateRoutes } from './certificate-routes.ts';
import { OwnershipTokens } from './ownership-tokens.ts';

/** Certificates over MQTT as AWS's fleet provisioning has them, and their revocation. */
export function buildCertificates(parts: AwsServiceParts): AwsService {
  const { store, records, audit, authority, provisioning, turns, door, clock } = parts;
  const { secrets, endpoint, directory, guards, logger } = parts;
  const tokens = new OwnershipTokens({ secret: () => secrets.secret('certificate-ownership'), clock });
  const desk = new CertificateDesk({
    ...{ store, records, audit, authority, provisioning, turns, door, clock },
    tokens,
  });
  const messages = new CertificateMessages({ desk, endpoint, logger });
  return {
    api: [(app) => certificateRoutes(app, { desk, directory, guards })],
    topics: {
      certificates: (message) => messages.receive('certificates', message),
      'provisioning-templates': (message) => messages.receive('provisioning-templates', message),
    },
  };
}
