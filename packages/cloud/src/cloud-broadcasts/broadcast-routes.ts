import { Type } from 'typebox';
import type { Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { StoredItem } from '../ports/item-store.ts';
import type { CloudBroadcasts } from './cloud-broadcasts.ts';

const key = Type.String({ minLength: 1, maxLength: 256 });
const type = Type.Optional(
  Type.Union(['string', 'number', 'boolean', 'object', 'array', 'date'].map((each) => Type.Literal(each))),
);
const NewBroadcast = Type.Object({ key, value: Type.String({ maxLength: 4096 }), type });
const next = Type.Optional(Type.String({ maxLength: 1024 }));
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 }));

/** `POST {api}/broadcast/{set,find,remove}`: what the operator tells the devices of all accounts. */
export function broadcastRoutes(
  app: HttpApp,
  { broadcasts, guards }: { broadcasts: CloudBroadcasts; guards: Guards },
): void {
  const post = verbs(app, guards);
  post('/broadcast/set', 'wholeCloud', NewBroadcast, async (body, request) => {
    const { key, value, type = 'string' } = body;
    return shown(await broadcasts.set({ key, value, type }, nameOfPrincipal(request.principal)));
  });
  post('/broadcast/find', 'wholeCloud', Type.Object({ limit, next }), async (body) => {
    const page = await broadcasts.find(body);
    return { ...page, items: page.items.map(shown) };
  });
  post('/broadcast/remove', 'wholeCloud', Type.Object({ key }), async (body, request) => {
    await broadcasts.remove(body.key, nameOfPrincipal(request.principal));
    return { key: body.key };
  });
}

function shown({ key, value, type, created, updated }: StoredItem): object {
  return { key, value, type, created, updated };
}
