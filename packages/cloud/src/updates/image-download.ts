import type { Readable } from 'node:stream';
import { CodedError } from '@ioto/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { HttpApp } from '../http/http-app.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import { rangeOf } from './byte-range.ts';
import { checkImageUrl } from './image-url.ts';
import type { UpdateDesk } from './update-desk.ts';
import { type UpdateRecord, updateError } from './update-record.ts';

/** Downloads at once; each holds a file open. */
const MOST_DOWNLOADS = 500;
/** Milliseconds after which a download that takes nothing is ended. */
const STALLED = 60_000;

export interface ImageDownloadCapabilities {
  desk: Pick<UpdateDesk, 'get'>;
  blobs: Pick<BlobStore, 'read'>;
  secret: () => Promise<Buffer>;
  now: () => number;
}

const Params = Type.Object({ product: Type.String(), version: Type.String() });
const Query = Type.Object({
  blob: Type.String({ maxLength: 64 }),
  expires: Type.String({ pattern: '^\\d{1,12}$' }),
  signature: Type.String({ maxLength: 64 }),
});

/** `GET` and `HEAD {api}/update/image/{product}/{version}?…`, by URLs that a check-in hands out; with ranges (RFC 9110 §14). */
export function imageDownload(app: HttpApp, { desk, blobs, secret, now }: ImageDownloadCapabilities): void {
  const path = '/update/image/:product/:version';
  const schema = { params: Params, querystring: Query };
  const schemaErrorFormatter = notWhole;
  let running = 0;

  /** The image that the URL is for, as long as it may be had. */
  const find = async (
    place: { product: string; version: string },
    { blob, expires, signature }: { blob: string; expires: string; signature: string },
  ): Promise<UpdateRecord> => {
    checkImageUrl({ ...place, blob }, { expires: Number(expires), signature }, await secret(), now());
    const update = await desk.get(place.product, place.version);
    // One that was withdrawn is not to reach devices that were told of it before.
    if (update.enabled && update.blob === blob) return update;
    throw updateError('UPDATE_UNKNOWN', `the version ${place.version} is not to be had any more`);
  };

  app.head(path, { schema, schemaErrorFormatter }, async (request, reply) => {
    const update = await find(request.params, request.query);
    reply.header('content-length', update.size);
    return describe(reply, update).send();
  });

  app.get(path, { schema, schemaErrorFormatter, exposeHeadRoute: false }, async (request, reply) => {
    const update = await find(request.params, request.query);
    const { sha256, size, blob } = update;
    describe(reply, update);
    if (request.headers['if-none-match'] === tagOf(sha256)) return reply.code(304).send();
    const range = isStillMeant(request, sha256) ? rangeOf(request.headers.range, size) : 'all';
    if (range === 'none') return reply.code(416).header('content-range', `bytes */${size}`).send();
    if (running >= MOST_DOWNLOADS) {
      throw updateError('UPDATE_BUSY', 'too many devices fetch an image: come back', { retryAfter: 30_000 });
    }
    const { first, last } = range === 'all' ? { first: 0, last: size - 1 } : range;
    if (range !== 'all') reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`);
    reply.header('content-length', last - first + 1);
    let image: Readable | undefined;
    let isOver = false;
    running += 1;
    request.whenOver(() => {
      running -= 1;
      isOver = true;
      image?.destroy();
    });
    reply.raw.setTimeout(STALLED, () => reply.raw.destroy());
    image = await blobs.read(blob, { first, last });
    if (isOver) image.destroy();
    return reply.send(image);
  });
}

/** Mostly a URL that a shell or a list has cut off at its first `&` or `?`. */
function notWhole(): CodedError {
  const message = 'this address is not whole: fetch the image by all of it, with blob, expires and signature';
  return new CodedError('REQUEST_INVALID', message, { status: 400 });
}

function describe(reply: FastifyReply, { sha256 }: UpdateRecord): FastifyReply {
  return reply
    .type('application/octet-stream')
    .header('etag', tagOf(sha256))
    .header('accept-ranges', 'bytes');
}

function tagOf(sha256: string): string {
  return `"${sha256}"`;
}

/** False for a range of something that has changed since (RFC 9110 §13.1.5). */
function isStillMeant(request: FastifyRequest, sha256: string): boolean {
  const condition = request.headers['if-range'];
  return condition === undefined || condition === tagOf(sha256);
}
