import { describe, expect, it } from 'vitest';
import { POLICY_ACTIONS, parseAction } from './policy-actions.ts';

describe('an action of a policy', () => {
  it.each([
    ['iot:Publish', ['iot:Publish']],
    ['IOT:publish', ['iot:Publish']],
    ['iot:*', POLICY_ACTIONS],
    ['*', POLICY_ACTIONS],
    ['iot:Pub*', ['iot:Publish']],
    ['iot:*Publish', ['iot:Publish', 'iot:RetainPublish']],
    ['iot:Re*', ['iot:Receive', 'iot:RetainPublish']],
    ['iot:?onnect', ['iot:Connect']],
  ])('%s names %j', (action, named) => {
    expect(parseAction(action, 'Action')).toEqual(named);
  });

  it.each(['iot:GetThingShadow', 'iot:*ThingShadow', 'iotjobsdata:*', 'greengrass:Discover', 's3:*'])(
    '%s is another service’s or another part’s, and names none of the endpoint',
    (action) => {
      expect(parseAction(action, 'Action')).toEqual([]);
    },
  );

  it.each(['', 'Publish', 'iot:', ':Publish', 'iot Publish', 'iot:Publish ', 'i*:Publish', 'iot:Pub:lish'])(
    '%j is refused',
    (action) => {
      expect(() => parseAction(action, 'Action[2]')).toThrow(
        expect.objectContaining({
          code: 'POLICY_INVALID',
          message: `Action[2]: ${JSON.stringify(action)} is not an action such as iot:Publish, iot:* or *`,
        }),
      );
    },
  );

  it.each(['iot:Publihs', 'Iot:publlsh*', 'iot:Subscripe'])(
    '%s is refused: it would deny nothing',
    (action) => {
      expect(() => parseAction(action, 'Action')).toThrow(
        `Action: ${JSON.stringify(action)} names no action of AWS IoT devices, which are iot:Connect, iot:Publish`,
      );
    },
  );
});
