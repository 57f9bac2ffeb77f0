/**
 * Every topic of the contract, built and parsed in this one module. `parseDeviceTopic` and `parseServiceTopic` are the
 * inverses of the builders.
 */

/** What the cloud tells a device about one item, or about a whole sync. */
export const SYNC_VERBS = ['SYNC', 'INSERT', 'MODIFY', 'UPSERT', 'REMOVE', 'SYNCDOWN'] as const;
export type SyncVerb = (typeof SYNC_VERBS)[number];

const BASIC_INGEST = '$aws/rules/IotoDevice/';

/** The topic that one of basic ingest stands for; undefined for one that is none. */
export function topicOfBasicIngest(topic: string): string | undefined {
  return topic.startsWith(BASIC_INGEST) ? topic.slice(BASIC_INGEST.length) : undefined;
}

/** Topics from the cloud down to a device. */
export const deviceTopic = {
  sync: (id: string, verb: SyncVerb) => `ioto/device/${id}/sync/${verb}`,
  throttle: (id: string) => `ioto/device/${id}/mqtt/throttle`,
  release: (id: string) => `ioto/device/${id}/provision/release`,
  /** The answer to `serviceTopic.request` with the same request and number. */
  answer: (id: string, request: string, n: string) => `ioto/device/${id}/${request}/${n}`,
};

/** Topics from a device up to the cloud. Basic ingest saves AWS's messaging fee and is what agents use for data. */
export const serviceTopic = {
  syncUp: (id: string) => `${BASIC_INGEST}ioto/service/${id}/db/syncToDynamo`,
  syncDown: (id: string) => `${BASIC_INGEST}ioto/service/${id}/db/syncDown`,
  storeSet: (id: string) => `${BASIC_INGEST}ioto/service/${id}/store/set`,
  metricSet: (id: string) => `${BASIC_INGEST}ioto/service/${id}/metric/set`,
  request: (id: string, request: string, n: string) => `ioto/service/${id}/${request}/${n}`,
  ping: (id: string) => `ioto/service/${id}/test/ping`,
};

/** The three filters that a device subscribes, all with QoS 1. */
export function masterFilters(id: string, accountId: string): string[] {
  return [`ioto/device/${id}/#`, 'ioto/account/all/#', `ioto/account/${accountId}/#`];
}

/** A topic for items that go to every device of an account, or of all accounts. */
export function accountSyncTopic(accountId: string | 'all', verb: SyncVerb): string {
  return `ioto/account/${accountId}/sync/${verb}`;
}

/** AWS IoT's lifecycle events, which the cloud publishes about the clients of its endpoint. */
export const lifecycleTopic = {
  connected: (clientId: string) => `$aws/events/presence/connected/${clientId}`,
  disconnected: (clientId: string) => `$aws/events/presence/disconnected/${clientId}`,
  subscribed: (clientId: string) => `$aws/events/subscriptions/subscribed/${clientId}`,
  unsubscribed: (clientId: string) => `$aws/events/subscriptions/unsubscribed/${clientId}`,
};

/** Where the cloud tells an account's tools of the items that it has committed. No device hears it. */
export const itemsTopic = {
  all: 'ioto/items',
  ofAccount: (accountId: string) => `ioto/items/${accountId}`,
  /** Names of models are any text. */
  item: (accountId: string, deviceId: string, model: string) =>
    `ioto/items/${accountId}/${deviceId}/${encodeURIComponent(model)}`,
};

export type DownMessage =
  | { kind: 'sync'; verb: SyncVerb }
  | { kind: 'throttle' }
  | { kind: 'release' }
  | { kind: 'answer'; request: string; n: string };

/** What a topic that a device `id` of `accountId` received is about; undefined for one that is not part of the contract. */
export function parseDeviceTopic(topic: string, id: string, accountId: string): DownMessage | undefined {
  const parts = topic.split('/');
  if (parts[0] !== 'ioto') return undefined;
  const rest = parts.slice(3);
  if (parts[1] === 'account' && (parts[2] === 'all' || parts[2] === accountId)) return parseSync(rest);
  if (parts[1] !== 'device' || parts[2] !== id) return undefined;
  if (rest.length === 2 && rest[0] === 'mqtt' && rest[1] === 'throttle') return { kind: 'throttle' };
  if (rest.length === 2 && rest[0] === 'provision' && rest[1] === 'release') return { kind: 'release' };
  const n = rest.at(-1);
  if (rest.length >= 2 && n !== undefined && /^\d+$/.test(n)) {
    return { kind: 'answer', request: rest.slice(0, -1).join('/'), n };
  }
  return parseSync(rest);
}

function parseSync(rest: string[]): DownMessage | undefined {
  const verb = SYNC_VERBS.find((each) => each === rest[1]);
  return rest.length === 2 && rest[0] === 'sync' && verb ? { kind: 'sync', verb } : undefined;
}

export type UpMessage =
  | { kind: 'syncUp' }
  | { kind: 'syncDown' }
  | { kind: 'storeSet' }
  | { kind: 'metricSet' }
  | { kind: 'ping' }
  | { kind: 'request'; request: string; n: string };

/** The device and the meaning of a topic that a device published, with or without the basic ingest prefix. */
export function parseServiceTopic(topic: string): { id: string; message: UpMessage } | undefined {
  const path = topicOfBasicIngest(topic) ?? topic;
  const [root, service, id, ...rest] = path.split('/');
  if (root !== 'ioto' || service !== 'service' || !id || rest.length < 2) return undefined;
  const simple = SIMPLE[rest.join('/')];
  if (simple) return { id, message: simple };
  const n = rest.at(-1);
  if (n !== undefined && /^\d+$/.test(n)) {
    return { id, message: { kind: 'request', request: rest.slice(0, -1).join('/'), n } };
  }
  return undefined;
}

const SIMPLE: Record<string, UpMessage | undefined> = {
  'db/syncToDynamo': { kind: 'syncUp' },
  'db/syncDown': { kind: 'syncDown' },
  'store/set': { kind: 'storeSet' },
  'metric/set': { kind: 'metricSet' },
  'test/ping': { kind: 'ping' },
};
