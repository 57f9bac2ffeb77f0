import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { CodedError } from '@ioto/runtime';

/** What a signature of an image is over: it ties the bytes to one version of one product. */
export interface SignedImage {
  product: string;
  version: string;
  /** Bytes. */
  size: number;
  /** Of the image, 64 hexadecimal digits. */
  sha256: string;
}

/**
 * The text that is signed, five lines. With product and version in it, an old image, or one of another product, cannot
 * be handed out under another name (wire contract, Updates).
 */
export function signedImageText({ product, version, size, sha256 }: SignedImage): Buffer {
  return Buffer.from(`ioto-update-1\n${product}\n${version}\n${size}\n${sha256.toLowerCase()}\n`);
}

/** The Ed25519 signature in base64. */
export function signImage(image: SignedImage, privateKey: KeyObject): string {
  return sign(null, signedImageText(image), privateKey).toString('base64');
}

/** True when one of the keys has made the signature. */
export function isImageSigned(
  image: SignedImage,
  signature: string,
  publicKeys: readonly KeyObject[],
): boolean {
  const bytes = Buffer.from(signature, 'base64');
  const text = signedImageText(image);
  return bytes.length === 64 && publicKeys.some((key) => verify(null, text, key, bytes));
}

/**
 * The Ed25519 public keys of a PEM file, which may hold several: the one that is used, and the one that will be.
 *
 * @throws UPDATE_KEY_MALFORMED when it holds none, or another kind of key.
 */
export function readImageKeys(pem: string): KeyObject[] {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw malformed('it holds no PUBLIC KEY');
  return blocks.map((block) => {
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch (error) {
      throw malformed('a key in it cannot be read', error);
    }
    if (key.asymmetricKeyType !== 'ed25519') throw malformed(`it holds a key of ${key.asymmetricKeyType}`);
    return key;
  });
}

function malformed(what: string, cause?: unknown): CodedError {
  return new CodedError('UPDATE_KEY_MALFORMED', `${what}: expected Ed25519 public keys as PEM`, {
    status: 400,
    cause,
  });
}
