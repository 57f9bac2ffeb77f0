import { compileGlob, MANY, ONE } from './glob.ts';
import { policyInvalid, quoted } from './policy-error.ts';

/** What a client of the endpoint asks leave for. */
export type PolicyAction =
  | 'iot:Connect'
  | 'iot:Publish'
  | 'iot:Subscribe'
  | 'iot:Receive'
  | 'iot:RetainPublish';

/** The type in the ARN of what an action acts on. */
export type ResourceType = 'client' | 'topic' | 'topicfilter';

export const RESOURCE_TYPE_OF: Readonly<Record<PolicyAction, ResourceType>> = {
  'iot:Connect': 'client',
  'iot:Publish': 'topic',
  'iot:Subscribe': 'topicfilter',
  'iot:Receive': 'topic',
  'iot:RetainPublish': 'topic',
};

export const POLICY_ACTIONS = Object.keys(RESOURCE_TYPE_OF) as PolicyAction[];

const SHAPE = /^(?:\*|[a-z][a-z0-9-]*:[a-z0-9*?]+)$/i;

/**
 * The actions of the endpoint that an `Action` names. Letter case does not count, as in IAM. What other services and parts of
 * AWS IoT know (`iot:GetThingShadow`, `iotjobsdata:*`) is accepted and names none of them.
 *
 * @throws POLICY_INVALID unless it is `*` or SERVICE:NAME, where NAME may hold `*` and `?`.
 */
export function parseAction(action: string, where: string): PolicyAction[] {
  if (!SHAPE.test(action)) {
    throw policyInvalid(where, `${quoted(action)} is not an action such as iot:Publish, iot:* or *`);
  }
  const glob = compileGlob([...action.toLowerCase()].map(wildcard));
  return POLICY_ACTIONS.filter((each) => glob.matches(each.toLowerCase()));
}

function wildcard(character: string): string | typeof MANY | typeof ONE {
  if (character === '*') return MANY;
  return character === '?' ? ONE : character;
}
