import { expect, test } from 'vitest';
import { deviceMayPublish, deviceMaySubscribe } from './device-policy.ts';
import { masterFilters, serviceTopic } from './topics.ts';

const device = { deviceId: 'JT08FFQXWQ', accountId: 'ACCOUNT' };

test('a device may use the topics of the contract', () => {
  for (const topic of [
    serviceTopic.syncUp(device.deviceId),
    serviceTopic.ping(device.deviceId),
    '$aws/things/JT08FFQXWQ/shadow/get',
  ]) {
    expect(deviceMayPublish(device, topic)).toBe(true);
  }
  for (const filter of [
    ...masterFilters(device.deviceId, device.accountId),
    'ioto/device/JT08FFQXWQ/sync/+',
  ]) {
    expect(deviceMaySubscribe(device, filter)).toBe(true);
  }
});

test.each([
  'ioto/service/JT08FFQXWQ0/db/syncDown',
  'ioto/service/OTHER00000/db/syncDown',
  'ioto/device/JT08FFQXWQ/sync/SYNC',
  'ioto/account/ACCOUNT/sync/INSERT',
  '$aws/rules/Other/ioto/service/JT08FFQXWQ/db/syncDown',
  '$aws/things/OTHER00000/shadow/get',
])('it may not publish %j', (topic) => {
  expect(deviceMayPublish(device, topic)).toBe(false);
});

test.each([
  '#',
  '+/device/JT08FFQXWQ/#',
  'ioto/#',
  'ioto/device/#',
  'ioto/device/+/sync/#',
  'ioto/account/+/#',
  'ioto/account/OTHER/#',
  '$aws/#',
  '$aws/things/+/#',
  '$share/g/ioto/device/#',
])('it may not subscribe %j', (filter) => {
  expect(deviceMaySubscribe(device, filter)).toBe(false);
});
