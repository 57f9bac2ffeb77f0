import { Type } from 'typebox';
import type { Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { UpdateDesk } from './update-desk.ts';
import type { UpdateRecord } from './update-record.ts';
import { LARGEST_IMAGE, LARGEST_PIECE, type Uploads } from './uploads.ts';

export interface UpdateRoutesCapabilities {
  desk: UpdateDesk;
  uploads: Uploads;
  guards: Guards;
}

const product = Type.String({ minLength: 1, maxLength: 64, description: 'product ID' });
const version = Type.String({ minLength: 1, maxLength: 64, description: 'SemVer' });
const changeable = {
  policy: Type.Optional(Type.String({ maxLength: 1024, description: 'distribution policy' })),
  description: Type.Optional(Type.String({ maxLength: 1024 })),
  enabled: Type.Optional(Type.Boolean()),
};

/**
 * `POST {api}/update/{upload,drop,publish,get,find,update,remove}`, for whoever manages the whole cloud: the software of a product
 * reaches the devices of every account.
 */
export function updateRoutes(app: HttpApp, { desk, uploads, guards }: UpdateRoutesCapabilities): void {
  const post = verbs(app, guards);
  const Publish = Type.Object({
    ...{ product, version },
    upload: Type.String({ maxLength: 64 }),
    size: Type.Integer({ minimum: 1, maximum: LARGEST_IMAGE }),
    sha256: Type.String({ pattern: '^[0-9a-fA-F]{64}$' }),
    signature: Type.Optional(Type.String({ maxLength: 128 })),
    ...changeable,
  });
  post('/update/publish', 'wholeCloud', Publish, async (body, request, reply) => {
    const made = await desk.publish(body, nameOfPrincipal(request.principal));
    reply.code(201);
    return shown(made);
  });

  post('/update/get', 'wholeCloud', Type.Object({ product, version }), async (body) =>
    shown(await desk.get(body.product, body.version)),
  );

  const Find = Type.Object({
    product: Type.Optional(product),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    next: Type.Optional(Type.String({ maxLength: 256 })),
  });
  post('/update/find', 'wholeCloud', Find, async (body) => {
    const page = await desk.find(body);
    return { ...page, items: page.items.map(shown) };
  });

  const Change = Type.Object({ product, version, ...changeable });
  post('/update/update', 'wholeCloud', Change, async ({ product, version, ...change }, request) =>
    shown(await desk.change({ product, version }, change, nameOfPrincipal(request.principal))),
  );

  post('/update/remove', 'wholeCloud', Type.Object({ product, version }), async (body, request) => {
    await desk.remove(body, nameOfPrincipal(request.principal));
    return { removed: true };
  });

  const Drop = Type.Object({ upload: Type.String({ maxLength: 64 }) });
  post('/update/drop', 'wholeCloud', Drop, async ({ upload }) => {
    await uploads.end(upload);
    return { dropped: true };
  });
  uploadRoutes(app, { uploads, guards });
}

/**
 * `POST {api}/update/upload?upload=ID&offset=N` with a piece of an image as its body; without an ID a new upload begins. With
 * an empty body it says how much is there.
 */
function uploadRoutes(
  app: HttpApp,
  { uploads, guards }: Pick<UpdateRoutesCapabilities, 'uploads' | 'guards'>,
): void {
  const Query = Type.Object({
    upload: Type.Optional(Type.String({ maxLength: 64 })),
    offset: Type.Optional(Type.String({ pattern: '^\\d{1,15}$' })),
  });
  app.register(async (unknownScope) => {
    const scope = unknownScope as unknown as HttpApp;
    const options = { parseAs: 'buffer', bodyLimit: LARGEST_PIECE } as const;
    scope.addContentTypeParser('application/octet-stream', options, (_request, body, done) =>
      done(null, body),
    );
    for (const prefix of ['', '/tok']) {
      scope.post(
        `${prefix}/update/upload`,
        // Nobody's megabytes are read before it is known who sends them.
        { schema: { querystring: Query }, onRequest: guards.wholeCloud(), bodyLimit: LARGEST_PIECE },
        async ({ query, body }) => {
          const upload = query.upload ?? (await uploads.begin());
          const piece = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
          const size =
            piece.length === 0
              ? await uploads.sizeOf(upload)
              : await uploads.append(upload, Number(query.offset ?? 0), piece);
          return { upload, size };
        },
      );
    }
  });
}

/** Where an image lies is the cloud's own matter. */
function shown({ blob: _blob, ...update }: UpdateRecord): Record<string, unknown> {
  return update;
}
