import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CodedError } from '@ioto/runtime';

/** Keeps texts at rest so that the store alone does not give them away. */
export interface Sealer {
  /** `context` is bound into the seal: what was sealed for one device does not open as another's. */
  seal(text: string, context: string): Promise<string>;
  /** @throws SEAL_BROKEN when it was altered, sealed with another key or for another context. */
  open(sealed: string, context: string): Promise<string>;
}

const NONCE = 12;
const TAG = 16;

/** AES-256-GCM under a key that lies in a file, not in the store. */
export function createSealer(key: () => Promise<Buffer>): Sealer {
  return {
    async seal(text, context) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', await key(), nonce);
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
    },
    async open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', await key(), bytes.subarray(0, NONCE), {
          authTagLength: TAG,
        });
        decipher.setAAD(Buffer.from(context));
        decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
        return decipher.update(bytes.subarray(NONCE + TAG), undefined, 'utf8') + decipher.final('utf8');
      } catch (error) {
        throw new CodedError(
          'SEAL_BROKEN',
          'a sealed token does not open: is keys/sealing.key the one of this store?',
          { status: 500, cause: error },
        );
      }
    },
  };
}
