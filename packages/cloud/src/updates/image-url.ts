import { createHmac, timingSafeEqual } from 'node:crypto';
import { updateError } from './update-record.ts';

/** Which image a URL is for. The blob tells an image from one that took its place under the same version. */
export interface ImagePlace {
  product: string;
  version: string;
  blob: string;
}

/** Milliseconds that a URL holds: long enough for a slow line, short enough not to be passed around. */
export const IMAGE_URL_LIFE = 24 * 3_600_000;

const PURPOSE = 'ioto update image 1';

/**
 * A URL that whoever has it may fetch the image by, for a day, without any header: agents in the field send none.
 *
 * @param base of the API, with its `/api`
 * @param now milliseconds since 1970
 */
export function imageUrl(base: string, place: ImagePlace, secret: Buffer, now: number): string {
  const expires = Math.floor((now + IMAGE_URL_LIFE) / 1000);
  const query = new URLSearchParams({
    blob: place.blob,
    expires: String(expires),
    signature: macOf(place, expires, secret).toString('base64url'),
  });
  const path = [place.product, place.version].map(encodeURIComponent).join('/');
  return `${base}/update/image/${path}?${query}`;
}

/** @throws UPDATE_URL_INVALID (403) unless this cloud has made the URL, within its day. */
export function checkImageUrl(
  place: ImagePlace,
  { expires, signature }: { expires: number; signature: string },
  secret: Buffer,
  now: number,
): void {
  const expected = macOf(place, expires, secret);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw updateError('UPDATE_URL_INVALID', 'this URL was not made by this cloud: ask for the update again');
  }
  if (now >= expires * 1000) {
    throw updateError('UPDATE_URL_INVALID', 'this URL holds no longer: ask for the update again');
  }
}

function macOf({ product, version, blob }: ImagePlace, expires: number, secret: Buffer): Buffer {
  const text = [PURPOSE, product, version, blob, expires].join('\n');
  return createHmac('sha256', secret).update(text).digest();
}
