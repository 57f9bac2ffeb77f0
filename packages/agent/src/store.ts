import { randomBytes } from 'node:crypto';
import type { Database } from '@ioto/database';
import { serviceTopic } from '@ioto/protocol';
import { CodedError, messageOf } from '@ioto/runtime';
import type { Ask } from './services/mqtt/requests.ts';
import type { Publish } from './services/mqtt/service.ts';

/** Types a Store value can have; on the wire every value is text with its type beside it. */
export type StoreValue = string | number | boolean | Date | Record<string, unknown> | unknown[];

/**
 * Named values of the device that the cloud sees (Ioto contract §8, model Store). With the database they are kept there
 * and synchronized; without it they are in the cloud alone, and every call but `get` needs the connection.
 */
export interface Store {
  /**
   * The value under `key` as this device holds it, in the type it was set with; undefined when there is none.
   *
   * @throws SERVICE_OFF on a device without the database: ask with `fetch` there.
   */
  get(key: string): StoreValue | undefined;
  /**
   * The value as the cloud holds it; undefined when there is none. What this device has set a moment ago may still be on
   * its way. Where the cloud answers bare text, as the contract has it, `true` and `false`, numbers, and JSON objects and
   * arrays are read as what they look like, and anything else is text.
   *
   * @throws STORE_KEY; SERVICE_OFF without the service mqtt; MQTT_OFFLINE, REQUEST_TIMEOUT and REQUEST_LIMIT, after which
   * it may be tried again.
   */
  fetch(key: string): Promise<StoreValue | undefined>;
  /**
   * Resolves when the value is durable: with the database on the device, from where it travels up when the cloud is
   * there; without it in the cloud.
   *
   * @throws STORE_KEY, STORE_VALUE; without the database SERVICE_OFF and MQTT_OFFLINE: the value is then kept nowhere.
   */
  set(key: string, value: StoreValue): Promise<void>;
  /** Resolves and throws as `set` does. */
  remove(key: string): Promise<void>;
}

/** What a Store works with; each is asked for at each call, since an agent is made before it has any. */
export interface StoreEnds {
  /** Undefined when the service is off. */
  database(): Database | undefined;
  /** @throws SERVICE_OFF without the service mqtt. */
  cloud(): StoreCloud;
}

/** The connection, as the Store uses it. */
export interface StoreCloud {
  id: string;
  /** True for a cloud of ours, which can tell the type of a value. */
  isOurs: boolean;
  ask: Ask;
  /** Resolves with the PUBACK. @throws MQTT_OFFLINE */
  publish: Publish;
  /** Bytes of the largest value with its key. */
  maxBytes: number;
}

export function openStore({ database, cloud }: StoreEnds): Store {
  return {
    get(key) {
      const held = database();
      if (!held) {
        const message =
          'there is no database on this device, and so no Store: ask the cloud with store.fetch';
        throw new CodedError('SERVICE_OFF', message);
      }
      const item = held.get('Store', { key: checkedKey(key) });
      return item && fromText(String(item.value ?? ''), String(item.type ?? 'string'));
    },
    async fetch(key) {
      return fetchValue(cloud(), checkedKey(key));
    },
    async set(key, value) {
      const properties = { key: checkedKey(key), ...toText(value) };
      const held = database();
      if (held) await held.upsert('Store', properties);
      else await publishItem(cloud(), properties);
    },
    async remove(key) {
      const held = database();
      if (held) await held.remove('Store', { key: checkedKey(key) });
      else await publishRemoval(cloud(), checkedKey(key));
    },
  };
}

/** Bytes of a key that every cloud can keep: a sort key has 1024, and begins with the model's own letters. */
const LONGEST_KEY = 1000;

/** @throws STORE_KEY */
function checkedKey(key: string): string {
  const problem = problemOfKey(key);
  if (problem === undefined) return key;
  throw new CodedError('STORE_KEY', `the key of a Store value ${problem}`);
}

function problemOfKey(key: unknown): string | undefined {
  if (typeof key !== 'string' || key === '') return 'is text, and not empty';
  const bytes = Buffer.byteLength(key);
  if (bytes > LONGEST_KEY) return `has at most ${LONGEST_KEY} bytes, not ${bytes}`;
  return /[\0\p{Cs}]/u.test(key) ? 'is Unicode text, without NUL' : undefined;
}

async function publishItem({ id, publish, maxBytes }: StoreCloud, item: { key: string; value: string }) {
  const payload = JSON.stringify(item);
  const bytes = Buffer.byteLength(payload);
  if (bytes > maxBytes) {
    const message = `the Store value ${item.key} takes ${bytes} bytes, more than the ${maxBytes} of limits.item`;
    throw new CodedError('STORE_VALUE', message);
  }
  await publish(serviceTopic.storeSet(id), payload);
}

/** The contract has no call for it but the one that a database uses; the cloud dates it when it arrives. */
async function publishRemoval({ id, publish }: StoreCloud, key: string): Promise<void> {
  const sk = `s#${key}`;
  const change = { cmd: 'remove', key: sk, item: { _type: 'Store', sk, key } };
  await publish(serviceTopic.syncUp(id), JSON.stringify({ seq: 0, changes: [change] }));
}

/**
 * `store/get` is answered by the bare value. A cloud of ours that is asked for `typed` answers JSON with the type beside
 * the value, marked with the text that it was asked with, so that no value can be taken for such an answer.
 */
async function fetchValue({ ask, isOurs }: StoreCloud, key: string): Promise<StoreValue | undefined> {
  if (!isOurs) return bareValue(await ask('store/get', { key }));
  const typed = randomBytes(6).toString('base64url');
  const answer = await ask('store/get', { key, typed });
  const told = typedAnswer(answer, typed);
  if (told) return told.value === undefined ? undefined : fromText(told.value, told.type ?? 'string');
  return bareValue(answer);
}

function bareValue(answer: string): StoreValue | undefined {
  return answer === '' ? undefined : fromBareText(answer);
}

function typedAnswer(answer: string, typed: string): { value?: string; type?: string } | undefined {
  if (!answer.startsWith('{')) return undefined;
  try {
    const told = JSON.parse(answer) as { typed?: unknown; value?: string; type?: string };
    return told.typed === typed ? told : undefined;
  } catch {
    return undefined;
  }
}

/** The value that bare text looks like. */
export function fromBareText(text: string): StoreValue {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return fromText(text, 'number');
  return /^[{[]/.test(text) ? fromText(text, 'object') : text;
}

/** @throws STORE_VALUE for what text cannot hold. */
export function toText(value: StoreValue): { value: string; type: string } {
  if (typeof value === 'string') return { value, type: 'string' };
  if (typeof value === 'boolean') return { value: String(value), type: 'boolean' };
  if (typeof value === 'number' && Number.isFinite(value)) return { value: String(value), type: 'number' };
  if (value instanceof Date && !Number.isNaN(value.getTime()))
    return { value: value.toISOString(), type: 'date' };
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return { value: jsonOf(value), type: Array.isArray(value) ? 'array' : 'object' };
  }
  throw new CodedError(
    'STORE_VALUE',
    'a Store value is text, a finite number, a boolean, a valid date, an object or an array',
  );
}

function jsonOf(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new CodedError('STORE_VALUE', `a Store value must be JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** The inverse of `toText`. Text that does not fit its type, as another device may have written, stays text. */
export function fromText(value: string, type: string): StoreValue {
  if (type === 'number') return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  if (type === 'boolean') return value === 'true' || value === '1';
  if (type === 'date') return Number.isNaN(Date.parse(value)) ? value : new Date(value);
  if (type !== 'object' && type !== 'array') return value;
  try {
    return JSON.parse(value) as StoreValue;
  } catch {
    return value;
  }
}
