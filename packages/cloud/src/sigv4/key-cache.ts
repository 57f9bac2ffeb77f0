import { type SigningScope, scopeOf, signingKey } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { CredentialOpener, OpenedCredential } from '../ports/credential-issuer.ts';

/** Credentials that are kept opened: some 2 KB each. */
const MOST = 10_000;
/** Scopes of one credential: a client uses a few services of one region, over two days at most. */
const MOST_SCOPES = 8;

/**
 * Keeps credentials that were proven to be of this cloud opened, with the keys that they sign with, until they expire; the
 * one that was not used for longest goes first. Whether their bearer is still welcome is asked for each request all the
 * same, by who admits it.
 */
export class KeyCache implements CredentialOpener {
  readonly #opener: CredentialOpener;
  readonly #clock: Clock;
  readonly #most: number;
  /** By access key and session token; the one used last is last. */
  readonly #opened = new Map<string, OpenedCredential>();

  constructor({ opener, clock, most = MOST }: { opener: CredentialOpener; clock: Clock; most?: number }) {
    this.#opener = opener;
    this.#clock = clock;
    this.#most = most;
  }

  async open(keys: Parameters<CredentialOpener['open']>[0]): Promise<OpenedCredential> {
    const id = `${keys.accessKeyId}\n${keys.sessionToken ?? ''}`;
    const held = this.#opened.get(id);
    if (held) {
      this.#opened.delete(id);
      if (held.bearer.expires > this.#clock.now()) {
        this.#opened.set(id, held);
        return held;
      }
    }
    const opened = withKeys(await this.#opener.open(keys));
    this.#opened.set(id, opened);
    if (this.#opened.size > this.#most) this.#opened.delete(this.#opened.keys().next().value as string);
    return opened;
  }
}

function withKeys({ secret, bearer }: OpenedCredential): OpenedCredential {
  const keys = new Map<string, Buffer>();
  return {
    ...{ secret, bearer },
    signingKey(scope: SigningScope) {
      const name = scopeOf(scope);
      const key = keys.get(name) ?? signingKey(secret, scope);
      // What a client asks for that makes scopes up is not kept.
      if (keys.size < MOST_SCOPES) keys.set(name, key);
      return key;
    },
  };
}
