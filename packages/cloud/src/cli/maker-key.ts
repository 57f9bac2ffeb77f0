import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { CodedError, systemCode } from '@ioto/runtime';

/**
 * Makes the key that a maker signs images with, in a file that only its owner can read; resolves the public key as PEM. It
 * stays with the maker: a cloud that is broken into has nothing to sign with.
 *
 * @throws CONFIG_INVALID when there is such a file already: devices trust the key in it.
 */
export async function makeMakerKey(path: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  try {
    await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const exists = systemCode(error) === 'EEXIST';
    throw invalid(exists ? `${path} exists already: name another file` : cannot('write', path, error), error);
  }
  return pemOf(publicKey);
}

/** @throws CONFIG_INVALID when the file holds no Ed25519 private key; nothing of it is shown. */
export async function readMakerKey(path: string): Promise<KeyObject> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    throw invalid(cannot('read', path, error), error);
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // falls through to the one refusal
  }
  throw invalid(`${path} holds no Ed25519 private key: make one with "ioto-cloud update keygen"`);
}

export function publicPemOf(privateKey: KeyObject): string {
  return pemOf(createPublicKey(privateKey));
}

function pemOf(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

function cannot(verb: string, path: string, error: unknown): string {
  return `cannot ${verb} ${path} (${systemCode(error)})`;
}

function invalid(message: string, cause?: unknown): CodedError {
  return new CodedError('CONFIG_INVALID', message, { cause });
}
