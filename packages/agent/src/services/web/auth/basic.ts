import { createHmac, randomBytes } from 'node:crypto';
import { webError } from '../errors.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import type { Identity } from './gate.ts';
import type { SignIn } from './sign-in.ts';
import type { User } from './user-store.ts';

/** Milliseconds for which a password that was right needs not be hashed again. */
const REMEMBERED = 60_000;
const MOST_REMEMBERED = 100;
/** Characters of the header; who has a longer name and password has none of ours. */
const LONGEST = 2048;

/** Basic authentication (RFC 7617). */
export class Basic {
  readonly #context: WebContext;
  readonly #signIn: SignIn;
  readonly #secret = randomBytes(32);
  readonly #right = new Map<string, { identity: Identity; until: number; changes: number }>();
  /** Passwords that are being hashed: a page asks for all that belongs to it at once. */
  readonly #checking = new Map<string, Promise<User | undefined>>();

  constructor(context: WebContext, signIn: SignIn) {
    this.#context = context;
    this.#signIn = signIn;
  }

  /**
   * Who asks. A promise where the password has to be hashed.
   *
   * @throws WEB_INSECURE over plain HTTP; WEB_SIGN_IN with the challenge; WEB_ATTEMPTS, WEB_BUSY
   */
  identify(request: WebRequest): Identity | Promise<Identity> {
    const { web, clock } = this.#context;
    if (!request.isSecure && web.auth.requireTlsForBasic) {
      throw webError('WEB_INSECURE', 'passwords are taken over HTTPS only');
    }
    const header = request.header('authorization');
    const claimed = header === undefined ? undefined : credentialsOf(header);
    if (header === undefined || !claimed) throw this.#refused(request);
    const key = createHmac('sha256', this.#secret).update(header).digest('base64');
    const known = this.#right.get(key);
    const { users } = this.#signIn;
    if (known && known.until > clock.now() && known.changes === users.changes) return known.identity;
    this.#right.delete(key);
    return this.#check(request, key, claimed);
  }

  async #check(
    request: WebRequest,
    key: string,
    claimed: { username: string; password: string },
  ): Promise<Identity> {
    const { address } = request;
    const { users } = this.#signIn;
    const { changes } = users;
    const checking = this.#checking.get(key) ?? this.#signIn.check({ ...claimed, address });
    this.#checking.set(key, checking);
    const user = await checking.finally(() => this.#checking.delete(key));
    if (!user) throw this.#refused(request);
    const { username, role } = user;
    const identity = { username, role };
    const [oldest] = this.#right.keys();
    if (this.#right.size >= MOST_REMEMBERED && oldest !== undefined) this.#right.delete(oldest);
    this.#right.set(key, { identity, changes, until: this.#context.clock.now() + REMEMBERED });
    return identity;
  }

  #refused({ response }: WebRequest): Error {
    response.setHeader('www-authenticate', `Basic realm="${this.#signIn.realm}", charset="UTF-8"`);
    return webError('WEB_SIGN_IN', 'sign in with name and password');
  }
}

/** Name and password of the header Authorization; undefined for one that has none. */
export function credentialsOf(header: string): { username: string; password: string } | undefined {
  const [, base64 = ''] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header.slice(0, LONGEST + 1)) ?? [];
  if (base64 === '' || header.length > LONGEST) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
  const colon = text.indexOf(':');
  if (colon < 1 || text.includes('\0')) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
