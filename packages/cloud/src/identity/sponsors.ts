import { accessError } from '../http/guards.ts';
import type { Principal, Role } from '../http/principal.ts';
import type { Sponsor } from '../ports/credential-issuer.ts';
import type { ItemChange } from '../ports/item-store.ts';
import type { Tokens } from './tokens.ts';
import type { Users } from './users.ts';

/** What a sponsor may lend to a tool. */
export interface Standing {
  role: Role;
  /** Milliseconds since 1970 at which the login or token ends, if it does. */
  expires?: number;
}

/** The logins and tokens by whose word tools act. What was lent is void as soon as the sponsor is. */
export class Sponsors {
  readonly #tokens: Tokens;
  readonly #users: Users;

  constructor(options: { tokens: Tokens; users: Users }) {
    this.#tokens = options.tokens;
    this.#users = options.users;
  }

  /** What a sponsor may do in an account now, or undefined when it is nobody's word any more. */
  async standing(sponsor: Sponsor, accountId: string): Promise<Standing | undefined> {
    if (sponsor.by === 'admin') return { role: 'owner' };
    const { tokenId } = sponsor;
    if (sponsor.by === 'login') {
      const facts = await this.#tokens.byId({ type: 'login', userId: sponsor.userId }, tokenId);
      // Role and password are read anew each time, as for the login itself.
      const user = facts && (await this.#users.ofLogin(accountId, sponsor.userId, facts.credential ?? 0));
      return user && withExpiry(user.role, facts?.expires);
    }
    const scope = sponsor.wholeCloud ? undefined : accountId;
    const facts = await this.#tokens.byId({ type: 'cloudApi', accountId: scope }, tokenId);
    return facts && withExpiry(facts.role, facts.expires);
  }
}

/** Who sponsors what a principal asks for. @throws FORBIDDEN (403) for a builder API token. */
export function sponsorOf(principal: Principal | undefined): Sponsor {
  switch (principal?.kind) {
    case 'user':
      return { by: 'login', userId: principal.userId, tokenId: principal.tokenId };
    case 'apiToken':
      return {
        by: 'apiToken',
        tokenId: principal.tokenId,
        wholeCloud: principal.accountId === undefined,
      };
    case 'admin':
      return { by: 'admin' };
    default:
      throw accessError('FORBIDDEN', 'credentials are for users and cloud API tokens');
  }
}

/** True for a change of the store that concerns some login, token or user. */
export function isOfSponsors({ pk }: ItemChange): boolean {
  return pk.startsWith('logins#') || pk.startsWith('tokens#') || pk.startsWith('users#');
}

/** True for one of these that may have ended what a sponsor may do. */
export function concernsSponsor({ pk, sk }: ItemChange, sponsor: Sponsor): boolean {
  if (sponsor.by === 'admin') return false;
  if (pk.startsWith('users#')) return sponsor.by === 'login' && sk === sponsor.userId;
  return sk === sponsor.tokenId;
}

function withExpiry(role: Role, expires: string | undefined): Standing {
  return expires === undefined ? { role } : { role, expires: Date.parse(expires) };
}
