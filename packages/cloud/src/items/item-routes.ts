import { CodedError } from '@ioto/runtime';
import { Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { verbs } from '../http/verbs.ts';
import type { StoredItem } from '../ports/item-store.ts';
import { withoutSyncFacts } from '../sync/items/sync-facts.ts';
import type { GenericItems } from './generic-items.ts';

const Item = Type.Object(
  {
    _type: Type.String({ minLength: 1, maxLength: 128, description: 'model of the schema' }),
    accountId: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: true, maxProperties: 200 },
);

const Find = Type.Object(
  {
    ...Item.properties,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    next: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  { additionalProperties: true, maxProperties: 200 },
);

/** `POST {api}/generic/{create,get,find,update,remove}`: items of the account by model, `_type` (Ioto contract §9). */
export function itemRoutes(app: HttpApp, { items, guards }: { items: GenericItems; guards: Guards }): void {
  const post = verbs(app, guards);
  post('/generic/create', 'user', Item, async (body, request, reply) => {
    const { _type, accountId, ...fields } = body;
    reply.code(201);
    return shown(await items.create(_type, fields, accountOf(request, accountId)));
  });
  post('/generic/get', 'viewer', Item, async (body, request) => {
    const { _type, accountId, ...fields } = body;
    return shown(await items.get(_type, fields, accountOf(request, accountId)));
  });
  post('/generic/find', 'viewer', Find, async (body, request) => {
    const { _type, accountId, limit, next, ...fields } = body;
    const page = await items.find(_type, fields, { accountId: accountOf(request, accountId), limit, next });
    return { ...page, items: page.items.map(shown) };
  });
  post('/generic/update', 'user', Item, async (body, request) => {
    const { _type, accountId, ...fields } = body;
    if (Object.keys(fields).length === 0)
      throw new CodedError('ITEM_INVALID', 'nothing to change', { status: 400 });
    return shown(await items.update(_type, fields, accountOf(request, accountId)));
  });
  post('/generic/remove', 'user', Item, async (body, request) => {
    const { _type, accountId, ...fields } = body;
    await items.remove(_type, fields, accountOf(request, accountId));
    return {};
  });
}

function shown(item: StoredItem): Record<string, unknown> {
  const { pk: _pk, ...fields } = withoutSyncFacts(item);
  return fields;
}
