import { POLICY_ACTIONS, parseTypedClaimId } from '@ioto/protocol';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { PolicyDesk } from './policy-desk.ts';
import { type PolicyTarget, targetOf } from './policy-item.ts';
import type { PolicyTrial } from './policy-trial.ts';

export interface PolicyRoutesCapabilities {
  desk: PolicyDesk;
  trial: PolicyTrial;
  guards: Guards;
}

const accountId = Type.Optional(Type.String({ maxLength: 64 }));
const name = Type.String({ minLength: 1, maxLength: 256, description: 'name of the policy' });
const document = Type.Union(
  [Type.String({ maxLength: 64 * 1024 }), Type.Object({}, { additionalProperties: true })],
  {
    description: 'the policy document, as an object or as JSON text',
  },
);
const description = Type.Optional(Type.String({ maxLength: 1024 }));
const deviceId = Type.String({ minLength: 1, maxLength: 64, description: 'claim ID, as typed' });
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 }));
const next = Type.Optional(Type.String({ maxLength: 512 }));
const Target = Type.Object({
  accountId,
  name,
  device: Type.Optional(deviceId),
  product: Type.Optional(Type.String({ maxLength: 64 })),
  account: Type.Optional(Type.Boolean()),
});
const action = Type.Union(POLICY_ACTIONS.map((each) => Type.Literal(each)));

/** IoT policies: `POST {api}/policy/{create,get,find,update,remove,attach,detach,test}`. */
export function policyRoutes(app: HttpApp, { desk, trial, guards }: PolicyRoutesCapabilities): void {
  const post = verbs(app, guards);
  const scope = (request: FastifyRequest, body: { accountId?: string }) => ({
    accountId: accountOf(request, body.accountId),
    actor: nameOfPrincipal(request.principal),
  });

  const Create = Type.Object({ accountId, name, document, description });
  post('/policy/create', 'admin', Create, async (body, request, reply) => {
    const made = await desk.create(scope(request, body), body);
    reply.code(201);
    return shown(made);
  });

  const Get = Type.Object({ accountId, name, limit, next });
  post('/policy/get', 'viewer', Get, async (body, request) => {
    const account = accountOf(request, body.accountId);
    const policy = await desk.get(account, body.name);
    const { targets, ...page } = await desk.targetsOf(account, body.name, body);
    return { ...shown(policy), attachedTo: targets, ...page };
  });

  post('/policy/find', 'viewer', Type.Object({ accountId, limit, next }), async (body, request) => {
    const page = await desk.find(accountOf(request, body.accountId), body);
    return { ...page, items: page.items.map(shown) };
  });

  const Update = Type.Object({
    ...{ accountId, name, description },
    document: Type.Optional(document),
    version: Type.Optional(Type.Integer({ minimum: 1 })),
  });
  post('/policy/update', 'admin', Update, async (body, request) =>
    shown(await desk.update(scope(request, body), body.name, body)),
  );

  post('/policy/remove', 'admin', Type.Object({ accountId, name }), async (body, request) => {
    await desk.remove(scope(request, body), body.name);
    return {};
  });

  post('/policy/attach', 'admin', Target, async (body, request) => {
    const target = typedTarget(body);
    await desk.attach(scope(request, body), body.name, target);
    return { name: body.name, attachedTo: target };
  });

  post('/policy/detach', 'admin', Target, async (body, request) => {
    return { detached: await desk.detach(scope(request, body), body.name, typedTarget(body)) };
  });

  const Test = Type.Object({
    ...{ accountId, action },
    device: deviceId,
    resource: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    sourceIp: Type.Optional(Type.String({ maxLength: 64 })),
  });
  post('/policy/test', 'viewer', Test, async (body, request) =>
    trial.run({
      ...body,
      accountId: accountOf(request, body.accountId),
      deviceId: parseTypedClaimId(body.device),
    }),
  );
}

function typedTarget({ device, ...others }: Static<typeof Target>): PolicyTarget {
  return targetOf({ ...others, device: device === undefined ? undefined : parseTypedClaimId(device) });
}

/** What the API shows of a policy. */
function shown<T extends { attachments: number }>({ attachments: _, ...fields }: T): Omit<T, 'attachments'> {
  return fields;
}
