import { ProvisionRequest, SIGNATURE_HEADER } from '@ioto/protocol';
import { bearerOf } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import type { DeviceProvisioning } from './provisioning.ts';

/** What devices ask with the token that the builder handed them: a certificate (Ioto contract §6). */
export function provisionRoutes(app: HttpApp, { provisioning }: { provisioning: DeviceProvisioning }): void {
  app.post(
    '/tok/device/provision',
    { schema: { body: ProvisionRequest }, config: { agent: true } },
    async (request) => {
      const signature = request.headers[SIGNATURE_HEADER];
      return provisioning.provision({
        token: bearerOf(request),
        id: request.body.id,
        csr: request.body.csr,
        signed: { method: request.method, path: request.url, body: request.rawBody ?? '' },
        signature: typeof signature === 'string' ? signature : undefined,
        address: request.ip,
      });
    },
  );
}
