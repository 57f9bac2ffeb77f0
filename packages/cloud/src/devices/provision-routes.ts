import { ProvisionRequest, SIGNATURE_HEADER } from '@ioto/protocol';
import { Type } from 'typebox';
import { bearerOf } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import type { DeviceProvisioning } from './provisioning.ts';

/** The device's whole device.json5 with its versions; only its ID is looked at. */
const UpdateCheck = Type.Object({ id: Type.String({ maxLength: 64 }) }, { additionalProperties: true });

/** What devices ask with the token that the builder handed them: a certificate, and whether there is an update (Ioto contract §6, §9). */
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
  // Agents in the field ask this to learn whether they are still owned; this cloud has no updates to hand out.
  app.post(
    '/tok/provision/update',
    { schema: { body: UpdateCheck }, config: { agent: true } },
    async (request) => {
      await provisioning.identify({ token: bearerOf(request), id: request.body.id });
      return {};
    },
  );
}
