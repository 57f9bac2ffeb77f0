import { itemsTopic } from '@ioto/protocol';
import { roleCovers } from '../http/principal.ts';
import { isOwnTopic } from '../policies/own-topics.ts';
import type { ToolPrincipal } from '../ports/device-endpoint.ts';

/** True for a device that the tool's account holds. */
export type Owns = (deviceId: string) => boolean;

type Tool = Pick<ToolPrincipal, 'accountId' | 'role'>;

/** What the cloud itself says to a device there: data, pace and ownership. */
const CLOUDS_WORDS = /^(sync|mqtt|provision)(\/|$)/;

/**
 * Where a tool may publish: to its own devices and their shadows and to its account's own topics, as user. In the
 * cloud's own words, which a device acts upon as if the cloud had said them, only as admin.
 */
export function toolMayPublish({ accountId, role }: Tool, topic: string, owns: Owns): boolean {
  const [, deviceId, rest] = /^ioto\/device\/([^/]+)\/(.+)$/.exec(topic) ?? [];
  if (deviceId !== undefined && rest !== undefined) {
    return owns(deviceId) && roleCovers(role, CLOUDS_WORDS.test(rest) ? 'admin' : 'user');
  }
  if (isOwnTopic(accountId, topic)) return roleCovers(role, 'user');
  const shadow = /^\$aws\/things\/([^/]+)\/shadow\//.exec(topic)?.[1];
  return shadow !== undefined && owns(shadow) && roleCovers(role, 'user');
}

/**
 * What a tool may subscribe: whatever can only match topics that are about devices or about its account. A filter may
 * cover the devices of all accounts, because each message is looked at before it is delivered; one that names a device
 * must name one of its own.
 */
export function toolMaySubscribe({ accountId }: Tool, filter: string, owns: Owns): boolean {
  if (filter.startsWith('$aws/events/')) return true;
  if (filter.startsWith('ioto/account/all/') || filter.startsWith(`ioto/account/${accountId}/`)) return true;
  if (isOwnTopic(accountId, filter) || isItemOf(accountId, filter)) return true;
  const device = /^ioto\/(?:device|service)\/([^/]+)/.exec(filter)?.[1];
  const named = device ?? /^\$aws\/things\/([^/]+)\/(?:shadow|jobs)\//.exec(filter)?.[1];
  return named !== undefined && (named === '+' || named === '#' || owns(named));
}

/** Whether a message is the tool's to see: by its topic, which names the device or the account that it is about. */
export function toolMayReceive({ accountId }: Pick<Tool, 'accountId'>, topic: string, owns: Owns): boolean {
  if (topic.startsWith('ioto/account/all/') || topic.startsWith(`ioto/account/${accountId}/`)) return true;
  if (isOwnTopic(accountId, topic) || isItemOf(accountId, topic)) return true;
  const deviceId = deviceOf(topic);
  return deviceId !== undefined && owns(deviceId);
}

/** Whether a tool may leave a message behind: on its account's own topics, where it may publish. */
export function toolMayRetain({ accountId }: Tool, topic: string): boolean {
  return isOwnTopic(accountId, topic);
}

/** True for the topic of an account's items, and a filter that lies within them. */
function isItemOf(accountId: string, topic: string): boolean {
  return topic.startsWith(`${itemsTopic.ofAccount(accountId)}/`);
}

/** The device that a topic is about. */
function deviceOf(topic: string): string | undefined {
  const parts = topic.split('/');
  const [root, kind, id] = parts;
  if (root === 'ioto' && (kind === 'device' || kind === 'service')) return id;
  if (root !== '$aws') return undefined;
  if (kind === 'things' && (parts[3] === 'shadow' || parts[3] === 'jobs')) return id;
  // Lifecycle events end with the client ID, which is the device's.
  return kind === 'events' && parts.length === 5 ? parts[4] : undefined;
}
