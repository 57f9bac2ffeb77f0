import {
  type BoundPolicies,
  type DeviceIdentity,
  deviceMayPublish,
  deviceMayReceive,
  deviceMaySubscribe,
  type PolicyAction,
  topicOfBasicIngest,
} from '@ioto/protocol';
import { isOwnTopic } from './own-topics.ts';

/**
 * On which ground a device may do something, or not: `denied` by a policy; by the `contract`, which gives every device its
 * own topics; by a `policy` of its account; `out of bounds`: a policy allows it, but outside the account's own topics;
 * `nothing` allows it.
 */
export type Ground = 'denied' | 'contract' | 'policy' | 'out of bounds' | 'nothing';

/**
 * What policies say. What is published by basic ingest is also asked for by the topic that it stands for: a policy that denies
 * the one would deny nothing if the other were left.
 */
export function saidOf(
  bound: BoundPolicies | undefined,
  action: PolicyAction,
  name: string,
): 'allow' | 'deny' | 'none' {
  if (!bound) return 'none';
  const said = bound.decide(action, name);
  const ingested = action === 'iot:Publish' && said !== 'deny' ? topicOfBasicIngest(name) : undefined;
  return ingested !== undefined && bound.decide(action, ingested) === 'deny' ? 'deny' : said;
}

/** `said` is what the policies of the account say. */
export function groundOf(
  device: DeviceIdentity,
  action: PolicyAction,
  name: string,
  said: 'allow' | 'deny' | 'none',
): Ground {
  if (said === 'deny') return 'denied';
  if (givenByContract(device, action, name)) return 'contract';
  if (said === 'none') return 'nothing';
  return isOwnTopic(device.accountId, name) ? 'policy' : 'out of bounds';
}

export function allows(ground: Ground): boolean {
  return ground === 'contract' || ground === 'policy';
}

function givenByContract(device: DeviceIdentity, action: PolicyAction, name: string): boolean {
  switch (action) {
    case 'iot:Connect':
    case 'iot:AssumeRoleWithCertificate':
      return true;
    case 'iot:Publish':
      return deviceMayPublish(device, name);
    case 'iot:Subscribe':
      return deviceMaySubscribe(device, name);
    case 'iot:Receive':
      return deviceMayReceive(device, name);
    default:
      return false;
  }
}
