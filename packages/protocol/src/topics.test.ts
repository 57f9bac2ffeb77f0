import { expect, test } from 'vitest';
import {
  accountSyncTopic,
  deviceTopic,
  parseDeviceTopic,
  parseServiceTopic,
  SYNC_VERBS,
  serviceTopic,
} from './topics.ts';

const id = 'JT08FFQXWQ';
const account = '01J00000000000000000000000';

test('every topic down reads back as what it was built from', () => {
  for (const verb of SYNC_VERBS) {
    const meaning = { kind: 'sync', verb };
    expect(parseDeviceTopic(deviceTopic.sync(id, verb), id, account)).toEqual(meaning);
    expect(parseDeviceTopic(accountSyncTopic('all', verb), id, account)).toEqual(meaning);
    expect(parseDeviceTopic(accountSyncTopic(account, verb), id, account)).toEqual(meaning);
  }
  expect(parseDeviceTopic(deviceTopic.throttle(id), id, account)).toEqual({ kind: 'throttle' });
  expect(parseDeviceTopic(deviceTopic.release(id), id, account)).toEqual({ kind: 'release' });
  expect(parseDeviceTopic(deviceTopic.answer(id, 'store/get', '7'), id, account)).toEqual({
    kind: 'answer',
    request: 'store/get',
    n: '7',
  });
});

test('every topic up reads back with its device', () => {
  const kinds = {
    syncUp: 'syncUp',
    syncDown: 'syncDown',
    storeSet: 'storeSet',
    metricSet: 'metricSet',
    ping: 'ping',
  } as const;
  for (const [name, kind] of Object.entries(kinds)) {
    expect(parseServiceTopic(serviceTopic[name as keyof typeof kinds](id))).toEqual({
      id,
      message: { kind },
    });
  }
  expect(parseServiceTopic(serviceTopic.request(id, 'store/get', '12'))).toEqual({
    id,
    message: { kind: 'request', request: 'store/get', n: '12' },
  });
});

test('basic ingest is the same topic with a prefix', () => {
  expect(parseServiceTopic(`ioto/service/${id}/db/syncToDynamo`)).toEqual({
    id,
    message: { kind: 'syncUp' },
  });
});

test.each([
  '',
  'ioto',
  'ioto/service/',
  `ioto/service/${id}`,
  `ioto/service/${id}/db`,
  `ioto/device/${id}/sync/SYNC`,
  `$aws/things/${id}/shadow/get`,
  'ioto/service//db/syncDown',
])('%j is not a message up', (topic) => {
  expect(parseServiceTopic(topic)).toBeUndefined();
});

test.each([
  deviceTopic.sync('ANOTHER0ID', 'SYNC'),
  accountSyncTopic('01J99999999999999999999999', 'INSERT'),
  `ioto/device/${id}/sync/constructor`,
  `ioto/device/${id}`,
])('%j is not a message for this device', (topic) => {
  expect(parseDeviceTopic(topic, id, account)).toBeUndefined();
});
