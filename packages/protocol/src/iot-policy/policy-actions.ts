import { compileGlob, MANY, ONE } from './glob.ts';
import { policyInvalid, quoted } from './policy-error.ts';

/** What a device asks leave for. */
export type PolicyAction =
  | 'iot:Connect'
  | 'iot:Publish'
  | 'iot:Subscribe'
  | 'iot:Receive'
  | 'iot:RetainPublish'
  | 'iot:AssumeRoleWithCertificate';

/** The type in the ARN of what an action acts on. */
export type ResourceType = 'client' | 'topic' | 'topicfilter' | 'rolealias';

export const RESOURCE_TYPE_OF: Readonly<Record<PolicyAction, ResourceType>> = {
  'iot:Connect': 'client',
  'iot:Publish': 'topic',
  'iot:Subscribe': 'topicfilter',
  'iot:Receive': 'topic',
  'iot:RetainPublish': 'topic',
  'iot:AssumeRoleWithCertificate': 'rolealias',
};

export const POLICY_ACTIONS = Object.keys(RESOURCE_TYPE_OF) as PolicyAction[];

/** What else devices may be allowed in AWS IoT. None of it is asked for here: shadows and jobs are messages. */
const ELSEWHERE = [
  ...['DeleteThingShadow', 'DescribeJobExecution', 'GetPendingJobExecutions', 'GetRetainedMessage'],
  ...['GetThingShadow', 'ListNamedShadowsForThing', 'ListRetainedMessages'],
  ...['StartNextPendingJobExecution', 'UpdateJobExecution', 'UpdateThingShadow'],
].map((name) => `iot:${name}`);

const SHAPE = /^(?:\*|[a-z][a-z0-9-]*:[a-z0-9*?]+)$/i;

/**
 * The actions of the endpoint that an `Action` names. Letter case does not count, as in IAM. What other services know
 * (`iotjobsdata:*`), and what else AWS IoT knows of devices (`iot:GetThingShadow`), is accepted and names none of them; any
 * other name under `iot:` is a slip of the pen, which would deny nothing.
 *
 * @throws POLICY_INVALID unless it is `*` or SERVICE:NAME, where NAME may hold `*` and `?`.
 */
export function parseAction(action: string, where: string): PolicyAction[] {
  if (!SHAPE.test(action)) {
    throw policyInvalid(where, `${quoted(action)} is not an action such as iot:Publish, iot:* or *`);
  }
  const glob = compileGlob([...action.toLowerCase()].map(wildcard));
  const matches = (name: string) => glob.matches(name.toLowerCase());
  const named = POLICY_ACTIONS.filter(matches);
  if (named.length === 0 && /^iot:/i.test(action) && !ELSEWHERE.some(matches)) {
    const known = [...POLICY_ACTIONS, ...ELSEWHERE].join(', ');
    throw policyInvalid(where, `${quoted(action)} names no action of AWS IoT devices, which are ${known}`);
  }
  return named;
}

function wildcard(character: string): string | typeof MANY | typeof ONE {
  if (character === '*') return MANY;
  return character === '?' ? ONE : character;
}
