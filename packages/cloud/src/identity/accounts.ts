/** A tenant of the device cloud. */
export interface Account {
  /** ULID. */
  id: string;
  name: string;
  /** ISO time. */
  created: string;
  /** Self-claim (Ioto contract §5) is off unless the account switched it on, and then for the listed products only. */
  selfClaim: { enabled: boolean; products: string[] };
}

/** What other capabilities ask of accounts. */
export interface AccountDirectory {
  get(accountId: string): Promise<Account | undefined>;
}
