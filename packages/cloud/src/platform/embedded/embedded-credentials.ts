import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '@ioto/runtime';
import type {
  CredentialBearer,
  CredentialIssuer,
  CredentialOpener,
  IssuedCredentials,
  ProvenCredential,
} from '../../ports/credential-issuer.ts';
import { signatureError } from '../../sigv4/errors.ts';

const NONCE = 12;
const TAG = 16;
/** Of the 40 letters that a secret access key has, as AWS's. */
const SECRET_BYTES = 30;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** What is sealed into a session token; short names, because the token stands in every URL. */
interface Sealed {
  k: string;
  /** Seconds since 1970. */
  x: number;
  b: CredentialBearer;
}

/**
 * Credentials that are stored nowhere: the session token says whose they are and until when, sealed with AES-256-GCM under
 * a key of the state directory, and the secret access key is derived from it.
 */
export class EmbeddedCredentials implements CredentialIssuer, CredentialOpener {
  readonly #secret: () => Promise<Buffer>;
  readonly #clock: Clock;

  constructor(options: { secret: () => Promise<Buffer>; clock: Clock }) {
    this.#secret = options.secret;
    this.#clock = options.clock;
  }

  async issue(bearer: CredentialBearer, seconds: number): Promise<IssuedCredentials> {
    const secret = await this.#secret();
    const accessKeyId = `ASIA${Array.from(randomBytes(16), (byte) => LETTERS[byte & 31]).join('')}`;
    const expires = Math.floor(this.#clock.now() / 1000) + seconds;
    const sealed: Sealed = { k: accessKeyId, x: expires, b: bearer };
    const sessionToken = seal(JSON.stringify(sealed), secret);
    const secretAccessKey = secretOf(accessKeyId, sessionToken, secret);
    return { accessKeyId, secretAccessKey, sessionToken, expires: new Date(expires * 1000).toISOString() };
  }

  async open({
    accessKeyId,
    sessionToken = '',
  }: {
    accessKeyId: string;
    sessionToken: string | undefined;
  }): Promise<{ secret: string; bearer: ProvenCredential }> {
    const secret = await this.#secret();
    const text = unseal(sessionToken, secret);
    const sealed = text === undefined ? undefined : (JSON.parse(text) as Sealed);
    if (sealed?.k !== accessKeyId) {
      throw signatureError('UnrecognizedClientException', 'the security token is not one of this cloud');
    }
    if (sealed.x * 1000 <= this.#clock.now()) {
      throw signatureError(
        'ExpiredTokenException',
        'the security token has expired: ask for new credentials',
      );
    }
    return {
      secret: secretOf(accessKeyId, sessionToken, secret),
      bearer: { bearer: sealed.b, expires: sealed.x * 1000 },
    };
  }
}

/** Keeps one use of the state directory's secret from being taken for another. */
function keyFor(purpose: 'token' | 'secret', secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(`ioto session credentials 1 ${purpose}`).digest();
}

function secretOf(accessKeyId: string, sessionToken: string, secret: Buffer): string {
  const mac = createHmac('sha256', keyFor('secret', secret)).update(`${accessKeyId}\n${sessionToken}`);
  return mac.digest().subarray(0, SECRET_BYTES).toString('base64');
}

function seal(text: string, secret: Buffer): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', keyFor('token', secret), nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** Undefined for anything but what was sealed here. */
function unseal(sealed: string, secret: Buffer): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length <= NONCE + TAG || bytes.toString('base64url') !== sealed) return undefined;
  try {
    const nonce = bytes.subarray(0, NONCE);
    const decipher = createDecipheriv('aes-256-gcm', keyFor('token', secret), nonce, { authTagLength: TAG });
    decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    return decipher.update(bytes.subarray(NONCE + TAG), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
