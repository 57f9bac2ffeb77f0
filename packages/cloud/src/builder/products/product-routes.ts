import { CodedError } from '@ioto/runtime';
import { Type } from 'typebox';
import type { Guards } from '../../http/guards.ts';
import type { HttpApp } from '../../http/http-app.ts';
import { verbs } from '../../http/verbs.ts';
import type { Products } from './products.ts';

const id = Type.String({ minLength: 1, maxLength: 64 });
const time = Type.String({ maxLength: 40, description: 'ISO time' });
const facts = {
  description: Type.Optional(Type.String({ maxLength: 1024 })),
  requireKey: Type.Optional(Type.Boolean()),
};
const name = Type.String({ minLength: 1, maxLength: 128 });

/** `POST {api}/product/{create,find,get,update,addToken,enable,disable,expire}`, for builder API tokens. */
export function productRoutes(
  app: HttpApp,
  { products, guards }: { products: Products; guards: Guards },
): void {
  const post = verbs(app, guards);
  post('/product/create', 'builder', Type.Object({ name, ...facts }), async (body, _request, reply) => {
    reply.code(201);
    return products.create(body);
  });
  post('/product/find', 'builder', Type.Object({ next: Type.Optional(id) }), async (body) =>
    products.list(body.next),
  );
  post('/product/get', 'builder', Type.Object({ id }), async (body) => products.require(body.id));
  post(
    '/product/update',
    'builder',
    Type.Object({ id, name: Type.Optional(name), ...facts }),
    async (body) => {
      const { id, ...changes } = body;
      return products.update(id, changes);
    },
  );
  const newToken = Type.Object({ id, name: Type.Optional(name), expires: Type.Optional(time) });
  post('/product/addToken', 'builder', newToken, async (body, _request, reply) => {
    reply.code(201);
    const { id, name, expires } = body;
    return products.addToken(id, { name, expires: expires && isoOf(expires) });
  });
  // A product's ID is its first token, so these take either.
  const tokenOnly = Type.Object({ id });
  post('/product/enable', 'builder', tokenOnly, async ({ id }) =>
    products.changeToken(id, { enabled: true }),
  );
  post('/product/disable', 'builder', tokenOnly, async ({ id }) =>
    products.changeToken(id, { enabled: false }),
  );
  const expiry = Type.Object({ id, expires: Type.Union([time, Type.Null()]) });
  post('/product/expire', 'builder', expiry, async ({ id, expires }) =>
    products.changeToken(id, { expires: expires === null ? null : isoOf(expires) }),
  );
}

function isoOf(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new CodedError('REQUEST_INVALID', '"expires" must be an ISO time such as 2027-01-31T00:00:00Z', {
      status: 400,
    });
  }
  return new Date(time).toISOString();
}
