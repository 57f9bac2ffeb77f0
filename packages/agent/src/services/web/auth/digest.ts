import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import { webError } from '../errors.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { type DigestAnswer, parseDigest } from './digest-header.ts';
import type { Identity } from './gate.ts';
import { Nonces } from './nonces.ts';
import type { SignIn } from './sign-in.ts';

const HASHES = { 'SHA-256': 'sha256', MD5: 'md5' } as const;
export type DigestAlgorithm = keyof typeof HASHES;
const SECRET_LENGTH = 32;

/**
 * The response that a client must give (RFC 7616 §3.4.1), hexadecimal.
 *
 * @param ha1 hexadecimal hash of `user:realm:password`
 */
export function responseTo(
  algorithm: DigestAlgorithm,
  ha1: string,
  method: string,
  { nonce, nc, cnonce, uri }: Pick<DigestAnswer, 'nonce' | 'nc' | 'cnonce' | 'uri'>,
): string {
  const hash = (text: string) => createHash(HASHES[algorithm]).update(text).digest('hex');
  return hash([ha1, nonce, nc, cnonce, 'auth', hash(`${method}:${uri}`)].join(':'));
}

/** Digest authentication (RFC 7616), for users whose hash is one of `user:realm:password`. */
export class Digest {
  readonly #signIn: SignIn;
  readonly #nonces: Nonces;
  readonly #tracks: boolean;
  /** Stands for the hash of users that there are not, or that cannot be asked this way. */
  readonly #nobody = randomBytes(SECRET_LENGTH).toString('hex');

  private constructor(signIn: SignIn, nonces: Nonces, tracks: boolean) {
    this.#signIn = signIn;
    this.#nonces = nonces;
    this.#tracks = tracks;
  }

  static async open(context: WebContext, signIn: SignIn): Promise<Digest> {
    const { web, clock, directories } = context;
    const secret = web.auth.secret ?? (await ownSecret(join(directories.stateConfig, 'web-secret')));
    const nonces = new Nonces({ secret, life: web.timeouts.digest, most: web.limits.digest, clock });
    return new Digest(signIn, nonces, web.auth.track);
  }

  /** Who asks. @throws WEB_SIGN_IN with the challenge; WEB_ATTEMPTS */
  identify(request: WebRequest): Identity {
    const { algorithm } = request.route;
    const header = request.header('authorization');
    const answer = header === undefined ? undefined : parseDigest(header);
    if (!answer || !this.#fits(answer, request)) throw this.#challenge(request);
    const state = this.#nonces.check(answer.nonce);
    if (state !== 'fresh') throw this.#challenge(request, state === 'stale');
    const attempt = this.#signIn.attempts.take(request.address, answer.username);
    const user = this.#signIn.users.find(answer.username);
    const ha1 = user && ha1Of(user.password, algorithm);
    const expected = Buffer.from(responseTo(algorithm, ha1 ?? this.#nobody, request.method, answer), 'hex');
    const given = Buffer.from(answer.response, 'hex');
    if (!user || !ha1 || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      this.#signIn.failures.add(request.address);
      throw this.#challenge(request);
    }
    attempt.wasRight();
    if (this.#tracks && !this.#nonces.use(answer.nonce, Number.parseInt(answer.nc, 16))) {
      throw this.#challenge(request, true);
    }
    return { username: user.username, role: user.role };
  }

  #fits({ realm, uri, algorithm }: DigestAnswer, { route, raw }: WebRequest): boolean {
    return realm === this.#signIn.realm && uri === raw.url && algorithm === route.algorithm;
  }

  #challenge({ response, route }: WebRequest, stale = false): Error {
    const parts = [
      `realm="${this.#signIn.realm}"`,
      'qop="auth"',
      `algorithm=${route.algorithm}`,
      `nonce="${this.#nonces.make()}"`,
      'charset=UTF-8',
      ...(stale ? ['stale=true'] : []),
    ];
    response.setHeader('www-authenticate', `Digest ${parts.join(', ')}`);
    return webError('WEB_SIGN_IN', 'sign in with name and password');
  }
}

/** The hash that digests are made of, where the user's is one of that algorithm. */
function ha1Of(hash: string, algorithm: DigestAlgorithm): string | undefined {
  const [, hex] =
    (algorithm === 'MD5' ? /^(?:MD5:)?([0-9a-f]{32})$/i : /^(?:SHA256:)?([0-9a-f]{64})$/i).exec(hash) ?? [];
  return hex?.toLowerCase();
}

/** Kept, so that a nonce of before a restart is known to be old, and nobody is asked for a password again. */
async function ownSecret(path: string): Promise<Buffer> {
  const present = Buffer.from((await readTextIfPresent(path))?.trim() ?? '', 'base64');
  if (present.length === SECRET_LENGTH) return present;
  const secret = randomBytes(SECRET_LENGTH);
  await writeFileDurably(path, `${secret.toString('base64')}\n`);
  return secret;
}
