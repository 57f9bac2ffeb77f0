import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceMayPublish, deviceMayReceive, deviceMaySubscribe } from '../device-policy.ts';
import { bindPolicies } from './bind-policies.ts';
import { defaultDevicePolicy } from './default-device-policy.fixture.ts';
import { parseIotPolicy } from './policy-document.ts';

const policy = parseIotPolicy(defaultDevicePolicy);
const bind = (deviceId: string, accountId: string) =>
  bindPolicies([policy], {
    ...{ clientId: deviceId, thingName: deviceId, accountId, region: 'eu-west-1' },
    now: () => 0,
  });

describe('the default policy of devices', () => {
  /** IDs with what is special to policies in them, and a prefix of one another. */
  const id = fc.oneof(
    fc.constantFrom('D', 'DE', '*', 'all', '$'),
    fc.string({ unit: 'grapheme-ascii', minLength: 1 }),
  );

  it('answers as the contract does', () => {
    const topic = (deviceId: string, accountId: string) =>
      fc
        .tuple(
          fc.constantFrom('', '', '', '$aws/rules/IotoDevice/', '$share/g/'),
          fc.constantFrom(
            ...[
              'ioto/service/',
              'ioto/device/',
              'ioto/account/',
              '$aws/things/',
              '$aws/certificates/',
              '$aws/',
            ],
          ),
          fc.constantFrom(deviceId, deviceId, accountId, 'all', '+', '#', '*', ''),
          fc.constantFrom('/', '/x', '/+/#', 'x/y', ''),
        )
        .map((parts) => parts.join(''));
    const cases = fc
      .tuple(id, id)
      .filter((ids) => !/[+#]/.test(ids.join('')))
      .chain(([deviceId, accountId]) =>
        fc.tuple(fc.constant({ deviceId, accountId }), topic(deviceId, accountId)),
      );
    const answers = new Set<string>();
    fc.assert(
      fc.property(cases, ([device, name]) => {
        const bound = bind(device.deviceId, device.accountId);
        const publish = deviceMayPublish(device, name);
        const subscribe = deviceMaySubscribe(device, name);
        expect(bound.allows('iot:Publish', name)).toBe(publish);
        expect(bound.allows('iot:Subscribe', name)).toBe(subscribe);
        expect(bound.allows('iot:Receive', name)).toBe(deviceMayReceive(device, name));
        answers.add(`${publish} ${subscribe}`);
      }),
      { numRuns: 1000 },
    );
    expect(answers.size).toBe(4);
  });

  it('lets a device connect as itself only', () => {
    const bound = bind('JT08FFQXWQ', 'ACCOUNT');
    expect(bound.allows('iot:Connect', 'JT08FFQXWQ')).toBe(true);
    expect(bound.allows('iot:Connect', 'JT08FFQXWQ0')).toBe(false);
    expect(bound.allows('iot:Connect', 'OTHER00000')).toBe(false);
  });

  it('lets nobody retain a message', () => {
    expect(bind('D', 'A').allows('iot:RetainPublish', 'ioto/service/D/db/syncDown')).toBe(false);
  });
});
