/** What a user may do in the account: each role may do what the ones after it may. */
export const ROLES = ['owner', 'admin', 'user', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** Who makes a request, as far as its credentials prove it. */
export type Principal =
  | {
      kind: 'user';
      userId: string;
      /** Of the login. */
      tokenId: string;
      email: string;
      accountId: string;
      role: Role;
    }
  /** A cloud API token: acts for its account, or, without one, for every account of this cloud. */
  | { kind: 'apiToken'; tokenId: string; type: 'cloudApi'; accountId?: string; role: Role }
  /** A builder API token: manages products and registrations, nothing of a device cloud. */
  | { kind: 'builderToken'; tokenId: string }
  /** Holds the key in the state directory: may do everything. */
  | { kind: 'admin' };

/** True when `role` may do all that `needed` may. */
export function roleCovers(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(needed);
}

/** Stable text for audit records and logs: never a secret. */
export function nameOfPrincipal(principal: Principal | undefined): string {
  switch (principal?.kind) {
    case 'user':
      return `user:${principal.userId}`;
    case 'apiToken':
    case 'builderToken':
      return `token:${principal.tokenId}`;
    case 'admin':
      return 'admin';
    default:
      return 'nobody';
  }
}
