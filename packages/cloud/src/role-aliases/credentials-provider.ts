import { isCodedError } from '@ioto/runtime';
import type { AwsAuthorizer } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import type { CredentialDesk } from '../credentials/credential-desk.ts';
import { notedPeer } from '../http/connection-peer.ts';
import type { HttpApp } from '../http/http-app.ts';
import type { RoleAliases } from './role-aliases.ts';

/**
 * AWS IoT's credentials provider: `GET /role-aliases/{alias}/credentials` on a connection with a device certificate, with the
 * thing in `x-amzn-iot-thingname` if it says one. `region` and `endpoints` of the answer are ours. The codes of refusals
 * are not verified against AWS: its clients go by the status.
 */
export function credentialsProvider(
  scope: HttpApp,
  { authorizer, aliases, desk }: { authorizer: AwsAuthorizer; aliases: RoleAliases; desk: CredentialDesk },
): void {
  scope.get<{ Params: { alias: string } }>('/role-aliases/:alias/credentials', async (request, reply) => {
    if (!notedPeer(request.raw.socket)?.certificate) {
      const message =
        'credentials are given out on a connection with a device certificate: offer the ALPN x-amzn-http-ca, or use the --mtls port';
      throw awsError('ForbiddenException', message, { status: 403 });
    }
    const device = await authorizer.authorize(request as never, [], { certificate: true });
    if (device.kind !== 'device' || device.serial === undefined) {
      throw awsError('ForbiddenException', 'not a device with its certificate', { status: 403 });
    }
    const thing = request.headers['x-amzn-iot-thingname'];
    if (thing !== undefined && thing !== device.deviceId) {
      const message = `x-amzn-iot-thingname is not ${device.deviceId}, which the certificate is for`;
      throw awsError('AccessDeniedException', message, { status: 403 });
    }
    if (!device.rights.mayAssumeRole(request.params.alias)) {
      const message = 'a policy of the account denies iot:AssumeRoleWithCertificate';
      throw awsError('AccessDeniedException', message, { status: 403 });
    }
    const alias = await aliases.get(device.accountId, request.params.alias);
    if (!alias) throw awsError('ResourceNotFoundException', 'Role alias does not exist', { status: 404 });
    const answer = await desk.forCertificate(device, device.serial, alias.seconds).catch((error: unknown) => {
      if (!isCodedError(error, 'CREDENTIALS_TOO_OFTEN')) throw error;
      reply.header('retry-after', String((error.retryAfter ?? 0) / 1000));
      throw awsError('ThrottlingException', error.message, { status: 429 });
    });
    const { expires, region, endpoints, ...keys } = answer;
    reply.header('cache-control', 'no-store');
    return { credentials: { ...keys, expiration: expires }, region, endpoints };
  });
}
