import type { IotPolicy } from './policy-document.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import { patternAt, plainText } from './resource-pattern.ts';

/** Where a policy is to hold. */
export interface PolicyHome {
  accountId: string;
  region: string;
}

/**
 * The policy as it holds in an account: what is the same for all its devices is filled in, once for all of them. One that names
 * another account or region, as one does that was copied from elsewhere, is refused: it would match nothing, and what it denies
 * would be allowed.
 *
 * @throws POLICY_INVALID (400), which names the statement and what to write instead.
 */
export function policyAtHome({ rules, document }: IotPolicy, home: PolicyHome): IotPolicy {
  return {
    document,
    rules: rules.map((rule, index) => {
      const single = !Array.isArray(document.Statement[index]?.Resource);
      const resources = rule.resources.flatMap((pattern, position) => {
        const where = `policy statement ${index + 1}, Resource${single ? '' : `[${position}]`}`;
        checkHome(plainText(pattern.account), plainText(pattern.region), where, home);
        return patternAt(pattern, home) ?? [];
      });
      return { ...rule, resources };
    }),
  };
}

function checkHome(
  account: string | undefined,
  region: string | undefined,
  where: string,
  home: PolicyHome,
): void {
  if (account !== undefined && account !== home.accountId) {
    throw policyInvalid(where, `names the account ${quoted(account)}: write ${home.accountId}, or * for any`);
  }
  if (region !== undefined && region !== home.region) {
    throw policyInvalid(
      where,
      `names the region ${quoted(region)}: this cloud is ${home.region}; * stands for any`,
    );
  }
}
