import type { KeyObject } from 'node:crypto';
import { isImageSigned, UpdateAnswer } from '@ioto/protocol';
import compareVersions from 'semver/functions/compare.js';
import isVersion from 'semver/functions/valid.js';
import { Check } from 'typebox/value';
import { updateError } from './errors.ts';
import { isLocal } from './local-image.ts';
import { isOlder } from './plan.ts';

export interface Trust {
  /** Of the maker; without one nothing is known of who has made an image. */
  keys: readonly KeyObject[];
  /** Take images that nobody has signed, where there is no key. */
  unsigned: boolean;
  product: string;
  /** Bytes. */
  maxSize: number;
}

/** The offer in an answer to a check-in; undefined for none. @throws UPDATE_OFFER */
export function readOffer(answer: Record<string, unknown>): UpdateAnswer | undefined {
  if (answer.url === undefined || answer.url === null || answer.url === '') return undefined;
  const { url, version, checksum, signature, size } = answer;
  const offer = JSON.parse(JSON.stringify({ url, version, checksum, signature, size }));
  if (!Check(UpdateAnswer, offer) || isVersion(offer.version) !== offer.version || isLocal(offer)) {
    throw updateError(
      'UPDATE_OFFER',
      'the cloud answered with an update that lacks a url, a version such as 1.2.3 or a SHA-256',
    );
  }
  return offer;
}

/**
 * Whether an image may be applied now, which is asked before a byte of it is fetched and again before it is applied: the keys
 * and the software may be others by then. The signature is over what the image must be.
 *
 * @param running version of the software that runs, and the highest that ever did
 * @throws UPDATE_UNSIGNED, UPDATE_SIGNATURE, UPDATE_DOWNGRADE, UPDATE_TOO_LARGE, UPDATE_URL
 */
export function checkOffer(
  offer: UpdateAnswer,
  { keys, unsigned, product, maxSize }: Trust,
  running: string,
  highest?: string,
): void {
  const { version, signature, size, checksum: sha256, url } = offer;
  if (keys.length === 0 && !unsigned) {
    throw updateError(
      'UPDATE_UNSIGNED',
      'this device knows no key of its maker: name it under update.keys, or set update.unsigned',
    );
  }
  if (keys.length > 0) {
    if (signature === undefined || size === undefined) {
      throw updateError('UPDATE_UNSIGNED', `the image of version ${version} is not signed`);
    }
    if (!isImageSigned({ product, version, size, sha256 }, signature, keys)) {
      throw updateError(
        'UPDATE_SIGNATURE',
        `no key of update.keys has signed this image as version ${version} of the product ${product}`,
      );
    }
  }
  if (compareVersions(version, running) <= 0) {
    throw updateError('UPDATE_DOWNGRADE', `the image is of ${version}, and the device runs ${running}`);
  }
  if (isOlder(version, highest)) {
    throw updateError('UPDATE_DOWNGRADE', `the image is of ${version}, and the device has had ${highest}`);
  }
  if (size !== undefined && size > maxSize) throw tooLarge(size, maxSize);
  if (isLocal(offer)) return;
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' };
  // What is signed may come by any way; the rest is as good as the way that it comes by.
  if (protocol !== 'https:' && !(protocol === 'http:' && keys.length > 0)) {
    throw updateError('UPDATE_URL', 'the image lies at no https URL');
  }
}

export function tooLarge(size: number, maxSize: number) {
  return updateError(
    'UPDATE_TOO_LARGE',
    `the image has ${size} bytes, more than the ${maxSize} of update.maxSize`,
  );
}
