import { CodedError } from '@ioto/runtime';
import { Type } from 'typebox';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { verbs } from '../http/verbs.ts';
import type { Clouds } from './clouds/clouds.ts';
import type { RegistrationItem } from './registrations/registration.ts';
import type { Registrations } from './registrations/registrations.ts';

export interface BuilderAdminCapabilities {
  clouds: Clouds;
  registrations: Registrations;
  audit: AuditLog;
  guards: Guards;
}

const id = Type.String({ minLength: 1, maxLength: 64 });
const page = { next: Type.Optional(id) };

/** `POST {api}/cloud/{create,list}`, `/registration/{get,find}` and `/builder/audit`, for builder API tokens. */
export function builderAdminRoutes(app: HttpApp, capabilities: BuilderAdminCapabilities): void {
  const { clouds, registrations, audit, guards } = capabilities;
  const post = verbs(app, guards);
  const newCloud = Type.Object({ name: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })) });
  post('/cloud/create', 'builder', newCloud, async (body, _request, reply) => {
    const { cloud, key } = await clouds.create(body);
    reply.code(201);
    return { ...cloud, key };
  });
  post('/cloud/list', 'builder', Type.Object(page), async (body) => clouds.list(body.next));
  post('/registration/get', 'builder', Type.Object({ id }), async (body) => {
    const item = await registrations.get(body.id);
    if (!item)
      throw new CodedError('DEVICE_NOT_REGISTERED', 'no such device has registered', { status: 404 });
    return shown(item);
  });
  post('/registration/find', 'builder', Type.Object({ product: id, ...page }), async (body) => {
    const { items, next } = await registrations.ofProduct(body.product, body.next);
    return { items: items.map(shown), next };
  });
  post('/builder/audit', 'builder', Type.Object(page), async (body) => {
    const { entries, next } = await audit.find('builder', { after: body.next });
    return { items: entries, next };
  });
}

/** A registration without the device's token. */
function shown({ binding, version: _version, ...item }: RegistrationItem) {
  return {
    ...item,
    claimed: binding !== undefined,
    ...(binding ? { cloudId: binding.cloudId, accountId: binding.accountId, since: binding.since } : {}),
  };
}
