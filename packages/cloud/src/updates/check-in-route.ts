import { SIGNATURE_HEADER, UpdateCheck } from '@ioto/protocol';
import type { DeviceProvisioning } from '../devices/provisioning.ts';
import { readsStatuses } from '../http/agent-dialect.ts';
import { bearerOf } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import type { CheckIns } from './check-in.ts';

export interface CheckInCapabilities {
  provisioning: Pick<DeviceProvisioning, 'authenticate'>;
  checkIns: CheckIns;
}

/** `POST {api}/tok/provision/update`: whether there is an update, and, for agents in the field, whether they are still owned (Ioto contract §9, §10). */
export function checkInRoute(app: HttpApp, { provisioning, checkIns }: CheckInCapabilities): void {
  const path = '/tok/provision/update';
  app.post(path, { schema: { body: UpdateCheck }, config: { agent: true } }, async (request) => {
    const signature = request.headers[SIGNATURE_HEADER];
    const ownership = await provisioning.authenticate({
      token: bearerOf(request),
      id: request.body.id,
      signed: { method: request.method, path: request.url, body: request.rawBody ?? '' },
      signature: typeof signature === 'string' ? signature : undefined,
      address: request.ip,
    });
    const answer = await checkIns.answer(ownership, request.body);
    if (!answer || readsStatuses(request)) return answer ?? {};
    // Agents in the field get what they know, and no more.
    const { url, version, checksum } = answer;
    return { url, version, checksum };
  });
}
