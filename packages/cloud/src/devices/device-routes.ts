import { parseTypedClaimId } from '@ioto/protocol';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { Agreed } from '../sync/hello/agreed.ts';
import type { SyncIdentity } from '../sync/items/wire-item.ts';
import type { ShownConflict } from '../sync/up/conflict-log.ts';
import type { Quarantine } from '../sync/up/quarantine.ts';
import type { ConnectionHistory } from './connection-history.ts';
import type { DeviceClaimDesk } from './device-claims.ts';
import type { DeviceDirectory } from './device-directory.ts';
import { shownDevice } from './device-item.ts';
import type { DeviceReleases } from './device-releases.ts';

export interface DeviceRoutesCapabilities {
  claims: DeviceClaimDesk;
  releases: DeviceReleases;
  directory: DeviceDirectory;
  history: Pick<ConnectionHistory, 'of'>;
  quarantine: Pick<Quarantine, 'summary'>;
  conflicts(identity: SyncIdentity): Promise<ShownConflict[]>;
  agreed: Pick<Agreed, 'summary'>;
  guards: Guards;
}

const text = (maxLength: number) => Type.Optional(Type.Union([Type.String({ maxLength }), Type.Null()]));
const accountId = Type.Optional(Type.String({ maxLength: 64 }));
const id = Type.String({ minLength: 1, maxLength: 64, description: 'claim ID, as typed' });

/** `POST {api}/device/{claim,get,conflicts,find,update,release}`, for users and, under `/tok`, cloud API tokens (Ioto contract §5, §9). */
export function deviceRoutes(app: HttpApp, capabilities: DeviceRoutesCapabilities): void {
  const { claims, releases, directory, history, quarantine, agreed, conflicts, guards } = capabilities;
  const post = verbs(app, guards);
  /** Principals of the whole cloud need not say whose device it is. */
  const find = async (request: FastifyRequest, body: { id: string; accountId?: string }) => {
    const deviceId = parseTypedClaimId(body.id);
    const ownerless = body.accountId === undefined && !ownAccount(request);
    const named = ownerless ? await directory.accountOf(deviceId) : body.accountId;
    return { deviceId, accountId: accountOf(request, named) };
  };

  const Claim = Type.Object({
    id,
    accountId,
    product: Type.Optional(Type.String({ maxLength: 64 })),
    pre: Type.Optional(Type.Boolean()),
  });
  post('/device/claim', 'user', Claim, async (body, request) => {
    const { principal, ip } = request;
    const device = await claims.claim({
      ...body,
      accountId: accountOf(request, body.accountId),
      actor: nameOfPrincipal(principal),
      // Whoever has the admin key can read every claim ID anyway.
      ...(principal?.kind === 'admin' ? {} : { address: ip }),
    });
    return shownDevice(device);
  });

  post('/device/get', 'viewer', Type.Object({ id, accountId }), async (body, request) => {
    const { deviceId, accountId } = await find(request, body);
    const device = shownDevice(await directory.get(accountId, deviceId));
    const kept = await quarantine.summary({ accountId, deviceId });
    const sync = await agreed.summary({ accountId, deviceId });
    const software = await directory.software(accountId, deviceId);
    return {
      ...device,
      certificates: await directory.certificates(deviceId, accountId),
      endpoint: await history.of(deviceId, accountId),
      ...(software && { software }),
      ...(sync && { sync }),
      ...(kept && { quarantine: kept }),
    };
  });

  post('/device/conflicts', 'viewer', Type.Object({ id, accountId }), async (body, request) => {
    const identity = await find(request, body);
    await directory.get(identity.accountId, identity.deviceId);
    return { items: await conflicts(identity) };
  });

  const Find = Type.Object({
    accountId,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    next: Type.Optional(Type.String({ maxLength: 256 })),
  });
  post('/device/find', 'viewer', Find, async (body, request) => {
    const page = await directory.find(accountOf(request, body.accountId), body);
    return { ...page, items: page.items.map(shownDevice) };
  });

  const Edit = Type.Object({ id, accountId, name: text(256), description: text(1024) });
  post('/device/update', 'user', Edit, async (body, request) => {
    const { deviceId, accountId } = await find(request, body);
    const { name, description } = body;
    return shownDevice(await directory.edit(accountId, deviceId, { name, description }));
  });

  const Release = Type.Object({ id, accountId, forgetKey: Type.Optional(Type.Boolean()) });
  post('/device/release', 'admin', Release, async (body, request) => {
    const found = await find(request, body);
    const actor = nameOfPrincipal(request.principal);
    await releases.release({ ...found, actor, forgetKey: body.forgetKey });
    return { id: found.deviceId, released: true };
  });
}

function ownAccount({ principal }: FastifyRequest): string | undefined {
  return principal && 'accountId' in principal ? principal.accountId : undefined;
}
