import {
  checkPolicyCost,
  type IotPolicy,
  MOST_POLICY_COST,
  parseIotPolicy,
  policyAtHome,
  policyCost,
} from '@ioto/protocol';
import { type Clock, errorCatalogue, isoTime } from '@ioto/runtime';
import type { AuditAction, AuditLog } from '../audit/audit-log.ts';
import type { DeviceRecords } from '../devices/device-records.ts';
import { Turns } from '../devices/turns.ts';
import { type ItemStore, type Write, writeIfHolds } from '../ports/item-store.ts';
import {
  type Attachment,
  attachedByKey,
  attachedByKeys,
  attachmentItems,
  attachmentKey,
  attachmentKeys,
  checkPolicyName,
  type PolicyItem,
  type PolicyTarget,
  policyKey,
  policyKeys,
  toAttachment,
  toPolicy,
} from './policy-item.ts';

export const policyError = errorCatalogue({
  POLICY_UNKNOWN: { status: 404 },
  POLICY_EXISTS: { status: 409 },
  POLICY_CHANGED: { status: 409 },
  POLICY_ATTACHED: { status: 409 },
  POLICY_LIMIT: { status: 409 },
  POLICY_CONTENDED: { status: 503, retryable: true },
  DEVICE_UNKNOWN: { status: 404 },
});

/** Policies of one account. */
export const MOST_POLICIES = 100;
/** Policies on one target; AWS IoT allows ten on a certificate. */
export const MOST_ATTACHED = 10;
/** Targets that a policy which becomes dearer may have: what is attached to each is looked at. */
const MOST_LOOKED_AT = 100;
/** A write that fails has lost against another that is done. */
const ATTEMPTS = 10;

export interface PolicyDeskOptions {
  store: ItemStore;
  records: Pick<DeviceRecords, 'held'>;
  audit: AuditLog;
  /** Of this cloud, as policies name it. */
  region: () => string;
  clock: Clock;
}

/** Whose policies, and who asks. */
export interface PolicyScope {
  accountId: string;
  /** For the audit record. */
  actor: string;
}

/** The named policies of accounts and what they are attached to. Every change is in the account's audit record. */
export class PolicyDesk {
  readonly #options: PolicyDeskOptions;
  /** By account, for what has a limit that no single item can hold. */
  readonly #turns = new Turns();

  constructor(options: PolicyDeskOptions) {
    this.#options = options;
  }

  /** @throws POLICY_NAME_INVALID, POLICY_INVALID (400); POLICY_EXISTS, POLICY_LIMIT (409) */
  async create(
    scope: PolicyScope,
    { name, document, description }: { name: string; document: unknown; description?: string },
  ): Promise<PolicyItem> {
    checkPolicyName(name);
    const policy = this.#read(scope.accountId, document);
    return this.#turns.run(scope.accountId, () => this.#create(scope, { name, policy, description }));
  }

  async #create(
    scope: PolicyScope,
    { name, policy, description }: { name: string; policy: IotPolicy; description?: string },
  ): Promise<PolicyItem> {
    const { store, clock } = this.#options;
    const { accountId } = scope;
    const { items } = await store.query(...queryOf(policyKeys(accountId), MOST_POLICIES));
    if (items.length >= MOST_POLICIES) {
      throw policyError('POLICY_LIMIT', `the account has ${MOST_POLICIES} policies: remove one first`);
    }
    const now = isoTime(clock);
    const item: PolicyItem = {
      ...{
        name,
        accountId,
        document: policy.document,
        version: 1,
        attachments: 0,
        created: now,
        updated: now,
      },
      ...(description === undefined ? {} : { description }),
    };
    const put: Write = { put: { ...policyKey(accountId, name), ...item }, if: { absent: true } };
    if (!(await writeIfHolds(store, [put, this.#entry(scope, 'policy.created', { name })]))) {
      throw policyError('POLICY_EXISTS', `the account has a policy ${name}: update it`);
    }
    return item;
  }

  /** @throws POLICY_UNKNOWN (404) */
  async get(accountId: string, name: string): Promise<PolicyItem> {
    const { pk, sk } = policyKey(accountId, checkPolicyName(name));
    const item = await this.#options.store.get(pk, sk);
    if (!item) throw policyError('POLICY_UNKNOWN', `the account has no policy ${name}`);
    return toPolicy(item);
  }

  async find(
    accountId: string,
    { limit = 100, next }: { limit?: number; next?: string },
  ): Promise<{ items: PolicyItem[]; next?: string }> {
    const page = await this.#options.store.query(...queryOf(policyKeys(accountId), limit, next));
    return { ...page, items: page.items.map(toPolicy) };
  }

  /** What a policy is attached to, in pages of a hundred unless asked otherwise. */
  async targetsOf(
    accountId: string,
    name: string,
    { limit = 100, next }: { limit?: number; next?: string } = {},
  ): Promise<{ targets: PolicyTarget[]; next?: string }> {
    const page = await this.#options.store.query(...queryOf(attachedByKeys(accountId, name), limit, next));
    const targets = page.items.map((item) => toAttachment(item).target);
    return { targets, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /** Those on one target, by name. */
  async attachedTo(accountId: string, target: PolicyTarget): Promise<Map<string, IotPolicy>> {
    const policies = new Map<string, IotPolicy>();
    for (const { name } of await this.#attachments(accountId, target)) {
      policies.set(name, parseIotPolicy((await this.get(accountId, name)).document));
    }
    return policies;
  }

  /**
   * `version`, where given, is the one that the change was made from.
   *
   * @throws POLICY_UNKNOWN (404), POLICY_INVALID (400), POLICY_CHANGED (409) when it has another version by now
   */
  async update(
    scope: PolicyScope,
    name: string,
    change: { document?: unknown; description?: string; version?: number },
  ): Promise<PolicyItem> {
    const { document, description, version } = change;
    const policy = document === undefined ? undefined : this.#read(scope.accountId, document);
    const run = () => this.#update(scope, name, { policy, description, version });
    return this.#turns.run(scope.accountId, run);
  }

  async #update(
    scope: PolicyScope,
    name: string,
    { policy, description, version }: { policy?: IotPolicy; description?: string; version?: number },
  ): Promise<PolicyItem> {
    const changed = await this.#change(scope.accountId, name, async (before) => {
      if (version !== undefined && version !== before.version) {
        const message = `the policy ${name} has version ${before.version} by now, not ${version}: read it again`;
        throw policyError('POLICY_CHANGED', message);
      }
      if (policy) await this.#checkDearer(before, policy);
      const after: PolicyItem = {
        ...before,
        ...(policy ? { document: policy.document } : {}),
        ...(description === undefined ? {} : { description }),
        version: before.version + 1,
        updated: isoTime(this.#options.clock),
      };
      return { after, also: [this.#entry(scope, 'policy.updated', { name, version: after.version })] };
    });
    return changed as PolicyItem;
  }

  /** @throws POLICY_UNKNOWN (404), POLICY_ATTACHED (409) while something has it */
  async remove(scope: PolicyScope, name: string): Promise<void> {
    await this.#change(scope.accountId, name, async () => {
      const [first] = (await this.targetsOf(scope.accountId, name, { limit: 1 })).targets;
      if (first) {
        const message = `the policy ${name} is attached to ${spoken(first)}: detach it everywhere first`;
        throw policyError('POLICY_ATTACHED', message);
      }
      return { after: undefined, also: [this.#entry(scope, 'policy.removed', { name })] };
    });
  }

  /** Attaching again changes nothing. @throws POLICY_UNKNOWN, DEVICE_UNKNOWN (404), POLICY_LIMIT (409) */
  async attach(scope: PolicyScope, name: string, target: PolicyTarget): Promise<void> {
    const { accountId } = scope;
    await this.#checkTarget(accountId, target);
    await this.#turns.run(accountId, () =>
      this.#change(accountId, name, async (before) => {
        const attached = await this.#attachments(accountId, target);
        if (attached.some((each) => each.name === name)) return undefined;
        if (attached.length >= MOST_ATTACHED) {
          throw policyError('POLICY_LIMIT', `${MOST_ATTACHED} policies are attached there: detach one first`);
        }
        await this.#checkCost(accountId, target, parseIotPolicy(before.document));
        const items = attachmentItems(accountId, { name, target, attached: isoTime(this.#options.clock) });
        return {
          after: { ...before, attachments: before.attachments + 1 },
          also: [...items.map((put) => ({ put })), this.#entry(scope, 'policy.attached', { name, target })],
        };
      }),
    );
  }

  /** False when it was not attached there, which changes nothing. @throws POLICY_UNKNOWN (404) */
  async detach(scope: PolicyScope, name: string, target: PolicyTarget): Promise<boolean> {
    const { accountId } = scope;
    await this.get(accountId, name);
    return writeIfHolds(this.#options.store, [
      { remove: attachmentKey(accountId, target, name), if: { exists: true } },
      { remove: attachedByKey(accountId, target, name) },
      this.#entry(scope, 'policy.detached', { name, target }),
    ]);
  }

  /** An update must not bring past the limit of `attach` what is attached already. */
  async #checkDearer({ accountId, name, document }: PolicyItem, policy: IotPolicy): Promise<void> {
    if (policyCost(policy) <= policyCost(parseIotPolicy(document))) return;
    const { targets, next } = await this.targetsOf(accountId, name, { limit: MOST_LOOKED_AT });
    if (next !== undefined) {
      const message = `the policy ${name} is attached to more than ${MOST_LOOKED_AT} targets: make a dearer one anew`;
      throw policyError('POLICY_LIMIT', message);
    }
    for (const target of targets) await this.#checkCost(accountId, target, policy, name);
  }

  async #checkCost(accountId: string, target: PolicyTarget, policy: IotPolicy, except = ''): Promise<void> {
    let cost = policyCost(policy);
    for (const [name, other] of await this.attachedTo(accountId, target)) {
      if (name !== except) cost += policyCost(other);
    }
    if (cost <= MOST_POLICY_COST) return;
    const message = `the policies of ${spoken(target)} would cost ${cost} together and may cost ${MOST_POLICY_COST}`;
    throw policyError('POLICY_LIMIT', `${message}: write plainer names, or detach one`);
  }

  #read(accountId: string, document: unknown): IotPolicy {
    const policy = parseIotPolicy(document);
    policyAtHome(policy, { accountId, region: this.#options.region() });
    checkPolicyCost(policy);
    return policy;
  }

  async #checkTarget(accountId: string, target: PolicyTarget): Promise<void> {
    if (!('device' in target) || (await this.#options.records.held(accountId, target.device))) return;
    throw policyError('DEVICE_UNKNOWN', `this account has no device ${target.device}`);
  }

  /** There are few on one target. */
  async #attachments(accountId: string, target: PolicyTarget): Promise<Attachment[]> {
    const { pk, begins } = attachmentKeys(accountId, target);
    return (await this.#options.store.query(pk, { begins })).items.map(toAttachment);
  }

  /** Replaces a policy by what `decide` makes of it, in one commit with what belongs to it; `undefined` leaves it. */
  async #change(
    accountId: string,
    name: string,
    decide: (before: PolicyItem) => Promise<{ after: PolicyItem | undefined; also: Write[] } | undefined>,
  ): Promise<PolicyItem | undefined> {
    const key = policyKey(accountId, name);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = await this.get(accountId, name);
      const decision = await decide(before);
      if (!decision) return undefined;
      const { after, also } = decision;
      const unchanged = { equals: { version: before.version, attachments: before.attachments } };
      const own: Write = after
        ? { put: { ...key, ...after }, if: unchanged }
        : { remove: key, if: unchanged };
      if (await writeIfHolds(this.#options.store, [own, ...also])) return after;
    }
    throw policyError('POLICY_CONTENDED', `the policy ${name} is being changed by others: try again`);
  }

  #entry({ accountId, actor }: PolicyScope, action: AuditAction, details: Record<string, unknown>): Write {
    return this.#options.audit.entry({ accountId }, { action, actor, accountId, details });
  }
}

function spoken(target: PolicyTarget): string {
  if ('device' in target) return `device ${target.device}`;
  return 'product' in target ? `product ${target.product}` : 'every device of the account';
}

function queryOf(
  { pk, begins }: { pk: string; begins: string },
  limit: number,
  after?: string,
): [string, { begins: string; limit: number; after?: string }] {
  return [pk, { begins, limit, after }];
}
