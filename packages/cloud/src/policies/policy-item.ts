import type { PolicyDocument } from '@ioto/protocol';
import { CodedError, isUlid } from '@ioto/runtime';
import type { StoredItem } from '../ports/item-store.ts';

/** A named policy of an account. */
export interface PolicyItem {
  name: string;
  accountId: string;
  description?: string;
  document: PolicyDocument;
  /** 1, and one more with each update. */
  version: number;
  /** Counts attachments that were ever made: a removal that met one has failed. */
  attachments: number;
  /** ISO times. */
  created: string;
  updated: string;
}

/** What a policy is attached to: one device, every device of a product, or every device of the account. */
export type PolicyTarget = { device: string } | { product: string } | { account: true };

/** Partition of an account's policies and attachments, without the account. */
export const POLICIES = 'policies#';
const POLICY = 'policy#';
const ATTACHED = 'attached#';
/** The same from the side of the policy. */
const ATTACHED_BY = 'attached-by#';

/** AWS IoT's rule for the names of policies. */
const NAME = /^[\w+=,.@-]{1,128}$/;

/** @throws POLICY_NAME_INVALID (400) */
export function checkPolicyName(name: string): string {
  if (NAME.test(name)) return name;
  const message = `"${name.slice(0, 140)}" is no name of a policy: 1 to 128 letters, digits and _ + = , . @ -`;
  throw new CodedError('POLICY_NAME_INVALID', message, { status: 400 });
}

export function policyKey(accountId: string, name: string): { pk: string; sk: string } {
  return { pk: POLICIES + accountId, sk: POLICY + name };
}

/** What the sort keys of an account's policies begin with. */
export const policyKeys = (accountId: string) => ({ pk: POLICIES + accountId, begins: POLICY });

export function attachmentKey(
  accountId: string,
  target: PolicyTarget,
  name: string,
): { pk: string; sk: string } {
  return { pk: POLICIES + accountId, sk: `${ATTACHED}${targetKey(target)}#${name}` };
}

/** What the sort keys of a target's attachments begin with. */
export const attachmentKeys = (accountId: string, target: PolicyTarget) => ({
  pk: POLICIES + accountId,
  begins: `${ATTACHED}${targetKey(target)}#`,
});

/** Text that is the same for the same target, and for no other. */
export function targetKey(target: PolicyTarget): string {
  if ('device' in target) return `device#${target.device}`;
  return 'product' in target ? `product#${target.product}` : 'account#';
}

export function isPolicyItem(item: StoredItem | undefined): boolean {
  return item?.sk.startsWith(POLICY) ?? false;
}

export function toPolicy({ pk: _pk, sk: _sk, ...fields }: StoredItem): PolicyItem {
  return fields as unknown as PolicyItem;
}

export function isAttachment(item: StoredItem): boolean {
  return item.sk.startsWith(ATTACHED);
}

export interface Attachment {
  name: string;
  target: PolicyTarget;
  /** ISO time. */
  attached: string;
}

/** The two items of an attachment, in the order of `attachmentKey` and `attachedByKey`. */
export function attachmentItems(accountId: string, attachment: Attachment): [StoredItem, StoredItem] {
  const { name, target } = attachment;
  return [
    { ...attachmentKey(accountId, target, name), ...attachment },
    { ...attachedByKey(accountId, target, name), ...attachment },
  ];
}

export function attachedByKey(
  accountId: string,
  target: PolicyTarget,
  name: string,
): { pk: string; sk: string } {
  return { pk: POLICIES + accountId, sk: `${ATTACHED_BY}${name}#${targetKey(target)}` };
}

/** What the sort keys of a policy's attachments begin with, from its side. */
export const attachedByKeys = (accountId: string, name: string) => ({
  pk: POLICIES + accountId,
  begins: `${ATTACHED_BY}${name}#`,
});

export function toAttachment({ pk: _pk, sk: _sk, ...fields }: StoredItem): Attachment {
  return fields as unknown as Attachment;
}

/** What a request names as the target. @throws POLICY_TARGET_INVALID (400) */
export function targetOf({
  device,
  product,
  account,
}: {
  device?: string;
  product?: string;
  account?: boolean;
}): PolicyTarget {
  const given = [device !== undefined, product !== undefined, account === true].filter(Boolean).length;
  if (given !== 1) {
    throw targetInvalid(
      'name one target: "device" (--device, an ID), "product" (--product, an ID) or "account": true (--all)',
    );
  }
  if (device !== undefined) return { device };
  if (product === undefined) return { account: true };
  if (!isUlid(product)) throw targetInvalid(`"product" is the ID of a product, 26 letters and digits`);
  return { product };
}

function targetInvalid(message: string): CodedError {
  return new CodedError('POLICY_TARGET_INVALID', message, { status: 400 });
}
