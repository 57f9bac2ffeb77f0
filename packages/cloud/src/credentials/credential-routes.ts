import { SIGNATURE_HEADER } from '@ioto/protocol';
import { Type } from 'typebox';
import { accessError, accountOf, bearerOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { verbs } from '../http/verbs.ts';
import { CREDENTIAL_LIFE, TOOL_ROLES } from '../ports/credential-issuer.ts';
import type { CredentialDesk } from './credential-desk.ts';

export interface CredentialRoutesCapabilities {
  desk: CredentialDesk;
  guards: Guards;
}

const ToolRequest = Type.Object({
  accountId: Type.Optional(Type.String({ maxLength: 64 })),
  role: Type.Optional(Type.Union(TOOL_ROLES.map((role) => Type.Literal(role)))),
  seconds: Type.Optional(
    Type.Integer({ minimum: CREDENTIAL_LIFE.shortest, maximum: CREDENTIAL_LIFE.longest }),
  ),
});

/**
 * Short-lived credentials: `POST {api}/tok/device/getCreds` for a device with its token (Ioto contract §6), and
 * `POST {api}/account/getCreds` for tools of an account.
 */
export function credentialRoutes(app: HttpApp, { desk, guards }: CredentialRoutesCapabilities): void {
  app.post('/tok/device/getCreds', { config: { agent: true } }, async (request) => {
    const signature = request.headers[SIGNATURE_HEADER];
    return desk.forDevice({
      token: bearerOf(request),
      signed: { method: request.method, path: request.url, body: request.rawBody ?? '' },
      signature: typeof signature === 'string' ? signature : undefined,
      address: request.ip,
    });
  });

  verbs(app, guards)('/account/getCreds', 'viewer', ToolRequest, async (body, request) => {
    const { principal } = request;
    if (!principal) throw accessError('UNAUTHENTICATED', 'sign in first');
    const { role, seconds } = body;
    return desk.forTool({ principal, accountId: accountOf(request, body.accountId), role, seconds });
  });
}
