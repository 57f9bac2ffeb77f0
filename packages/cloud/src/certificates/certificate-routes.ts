import { parseTypedClaimId } from '@ioto/protocol';
import { Type } from 'typebox';
import type { DeviceDirectory } from '../devices/device-directory.ts';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { CertificateDesk } from './certificate-desk.ts';

export interface CertificateRoutesCapabilities {
  desk: CertificateDesk;
  directory: Pick<DeviceDirectory, 'accountOf'>;
  guards: Guards;
}

const Revoke = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64, description: 'claim ID, as typed' }),
  accountId: Type.Optional(Type.String({ maxLength: 64 })),
  serial: Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f]{1,64}$', description: 'default: all' })),
});

/** `POST {api}/device/revoke`. */
export function certificateRoutes(app: HttpApp, capabilities: CertificateRoutesCapabilities): void {
  const { desk, directory, guards } = capabilities;
  verbs(app, guards)('/device/revoke', 'admin', Revoke, async (body, request) => {
    const { principal } = request;
    const deviceId = parseTypedClaimId(body.id);
    const own = principal && 'accountId' in principal ? principal.accountId : undefined;
    // Principals of the whole cloud need not say whose device it is.
    const named = body.accountId ?? (own === undefined ? await directory.accountOf(deviceId) : undefined);
    const serials = await desk.revoke({
      accountId: accountOf(request, named),
      deviceId,
      serial: body.serial?.toLowerCase(),
      actor: nameOfPrincipal(principal),
    });
    return { id: deviceId, revoked: serials };
  });
}
