import type { IotPolicy } from './policy-document.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import { plainText } from './resource-pattern.ts';

/** Where a policy is to hold. */
export interface PolicyHome {
  accountId: string;
  region: string;
}

/**
 * Refuses a policy that names another account or region than the one that it is to hold in, as one does that was copied
 * from elsewhere: it would match nothing, and what it denies would be allowed.
 *
 * @throws POLICY_INVALID (400), which names the statement and what to write instead.
 */
export function checkPolicyHome({ rules, document }: IotPolicy, { accountId, region }: PolicyHome): void {
  for (const [index, { resources }] of rules.entries()) {
    const single = !Array.isArray(document.Statement[index]?.Resource);
    for (const [position, pattern] of resources.entries()) {
      const where = `policy statement ${index + 1}, Resource${single ? '' : `[${position}]`}`;
      const account = plainText(pattern.account);
      if (account !== undefined && account !== accountId) {
        throw policyInvalid(where, `names the account ${quoted(account)}: write ${accountId}, or * for any`);
      }
      const named = plainText(pattern.region);
      if (named !== undefined && named !== region) {
        throw policyInvalid(
          where,
          `names the region ${quoted(named)}: this cloud is ${region}; * stands for any`,
        );
      }
    }
  }
}
