import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isImageSigned, readImageKeys, type SignedImage, signImage } from './signed-text.ts';

const maker = generateKeyPairSync('ed25519');
const next = generateKeyPairSync('ed25519');
const pemOf = ({ publicKey }: typeof maker) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const image: SignedImage = { product: 'P', version: '2.0.0', size: 10, sha256: 'ab'.repeat(32) };

describe('the signature of an image', () => {
  it('is good by one of the keys of a file, in whatever case the hash is written', () => {
    const keys = readImageKeys(`the next one\n${pemOf(next)}\n${pemOf(maker)}`);
    expect(keys).toHaveLength(2);
    const signature = signImage({ ...image, sha256: image.sha256.toUpperCase() }, maker.privateKey);
    expect(isImageSigned(image, signature, keys)).toBe(true);
    expect(isImageSigned(image, signature, [next.publicKey])).toBe(false);
    expect(isImageSigned(image, signature, [])).toBe(false);
  });

  it.each<[string, Partial<SignedImage>]>([
    ['another version', { version: '3.0.0' }],
    ['another product', { product: 'Q' }],
    ['other bytes', { sha256: 'ac'.repeat(32) }],
    ['another size', { size: 11 }],
  ])('does not hold for %s', (_what, change) => {
    const signature = signImage(image, maker.privateKey);
    expect(isImageSigned({ ...image, ...change }, signature, [maker.publicKey])).toBe(false);
  });

  it.each(['', 'AAAA', '!!', 'A'.repeat(88)])('is not %j', (signature) => {
    expect(isImageSigned(image, signature, [maker.publicKey])).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['a private key', maker.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['rubbish', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
    [
      'a key of another kind',
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    ],
  ])('is not checked by %s', (_what, pem) => {
    expect(() => readImageKeys(pem)).toThrow(expect.objectContaining({ code: 'UPDATE_KEY_MALFORMED' }));
  });
});
