import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CodedError,
  type Component,
  lockStateDirectory,
  readTextIfPresent,
  type StateLock,
  writeFileDurably,
} from '@ioto/runtime';

/** Secrets that only this state directory holds, by name. */
export interface SecretSource {
  /** 32 random bytes, made at the first call and the same ever after. Usable once the state directory has started. */
  secret(name: string): Promise<Buffer>;
}

/** The one process's hold on its state directory, and the secret files in it. */
export class StateDirectory implements Component, SecretSource {
  readonly name = 'state directory';
  readonly path: string;
  readonly #secrets = new Map<string, Promise<Buffer>>();
  #lock: StateLock | undefined;
  #adminKey: string | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws STATE_IN_USE, STATE_UNWRITABLE (see lockStateDirectory). */
  async start(): Promise<void> {
    this.#lock = lockStateDirectory(this.path);
    // The directory may have been made by hand, for everybody to read.
    await chmod(this.path, 0o700);
    this.#adminKey = adminKeyOf(await this.secret('admin'));
  }

  async stop(): Promise<void> {
    this.#lock?.release();
    this.#lock = undefined;
    this.#adminKey = undefined;
    this.#secrets.clear();
  }

  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  secret(name: string): Promise<Buffer> {
    let secret = this.#secrets.get(name);
    if (!secret) {
      secret = readOrMake(this.file('keys', `${name}.key`));
      this.#secrets.set(name, secret);
      secret.catch(() => this.#secrets.delete(name));
    }
    return secret;
  }

  /** The key that the command line authenticates with: whoever can read `STATE/keys/admin.key` may do everything. */
  get adminKey(): string {
    if (!this.#adminKey) throw new CodedError('CLOUD_STOPPED', 'the state directory is not open');
    return this.#adminKey;
  }
}

/** The bearer token that the bytes of `STATE/keys/admin.key` stand for. */
export function adminKeyOf(secret: Buffer): string {
  return `ioto_admin_${secret.toString('base64url')}`;
}

/**
 * Reads a secret file as the state directory writes it.
 *
 * @throws SECRET_DAMAGED when it does not hold 32 bytes.
 */
export async function readSecret(path: string): Promise<Buffer | undefined> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  const secret = Buffer.from(text.trim(), 'base64url');
  if (secret.length !== 32) {
    throw new CodedError('SECRET_DAMAGED', `${path} does not hold a key: restore it from a backup`);
  }
  return secret;
}

async function readOrMake(path: string): Promise<Buffer> {
  const present = await readSecret(path);
  if (present) return present;
  const made = randomBytes(32);
  await writeFileDurably(path, `${made.toString('base64url')}\n`);
  return made;
}
