import { type IotPolicy, parseIotPolicy, policyAtHome } from '@ioto/protocol';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import { AccountViews, type ViewChange } from '../account-views/account-views.ts';
import type { ItemStore } from '../ports/item-store.ts';
import {
  isAttachment,
  isPolicyItem,
  POLICIES,
  type PolicyItem,
  type PolicyTarget,
  targetKey,
  toAttachment,
  toPolicy,
} from './policy-item.ts';

/** Stands for a policy that this program cannot read: better nobody than everybody. */
const NOTHING = parseIotPolicy({
  Version: '2012-10-17',
  Statement: { Effect: 'Deny', Action: '*', Resource: '*' },
});

/** The policies of one account, and what they are attached to. */
export class PolicyBook {
  /** Another number after each change. */
  version = 0;
  /** Read when first asked for: most of an account's policies are attached elsewhere, or nowhere. */
  readonly #policies = new Map<string, () => IotPolicy>();
  /** Names by target. */
  readonly #attached = new Map<string, Set<string>>();

  /** Those that hold for what is one of these targets, by name, each once. */
  policiesOf(targets: readonly PolicyTarget[]): Map<string, IotPolicy> {
    const found = new Map<string, IotPolicy>();
    for (const target of targets) {
      for (const name of this.#attached.get(targetKey(target)) ?? []) {
        const policy = this.#policies.get(name);
        if (policy) found.set(name, policy());
      }
    }
    return found;
  }

  put(name: string, read: () => IotPolicy): void {
    let policy: IotPolicy | undefined;
    this.#policies.set(name, () => {
      policy ??= read();
      return policy;
    });
    this.version += 1;
  }

  remove(name: string): void {
    this.#policies.delete(name);
    this.version += 1;
  }

  attach(target: PolicyTarget, name: string): void {
    const key = targetKey(target);
    const names = this.#attached.get(key) ?? new Set();
    this.#attached.set(key, names.add(name));
    this.version += 1;
  }

  detach(target: PolicyTarget, name: string): void {
    const key = targetKey(target);
    const names = this.#attached.get(key);
    names?.delete(name);
    if (names?.size === 0) this.#attached.delete(key);
    this.version += 1;
  }
}

export interface AccountPoliciesOptions {
  store: ItemStore;
  clock: Clock;
  logger: Logger;
  /** Of this cloud: a policy that names another would not hold, nor would what it denies. */
  region: () => string;
  /** Told after each change of an account's policies that somebody watches. */
  onChange?: (accountId: string) => void;
}

/** The policies of accounts whose devices are here, to be asked for every message. */
export class AccountPolicies extends AccountViews<PolicyBook> {
  constructor({ store, clock, logger, region, onChange }: AccountPoliciesOptions) {
    super('policies of accounts', {
      ...{ store, clock },
      partition: POLICIES,
      begins: '',
      create: () => new PolicyBook(),
      apply: (change, book) => apply(change, book, { region, logger }),
      onChange: (accountId) => onChange?.(accountId),
    });
  }
}

type Reading = Pick<AccountPoliciesOptions, 'region' | 'logger'>;

function apply({ before, after }: ViewChange, book: PolicyBook, reading: Reading): void {
  const item = after ?? before;
  if (!item) return;
  if (isPolicyItem(item)) {
    const policy = toPolicy(item);
    if (after) book.put(policy.name, () => readable(policy, reading));
    else book.remove(policy.name);
  } else if (isAttachment(item)) {
    const { name, target } = toAttachment(item);
    if (after) book.attach(target, name);
    else book.detach(target, name);
  }
}

function readable({ name, accountId, document }: PolicyItem, { region, logger }: Reading): IotPolicy {
  try {
    return policyAtHome(parseIotPolicy(document), { accountId, region: region() });
  } catch (error) {
    logger.error(
      { accountId, policy: name, error: messageOf(error) },
      'a stored policy cannot be read: it denies everything',
    );
    return NOTHING;
  }
}
