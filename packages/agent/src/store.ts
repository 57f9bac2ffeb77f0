import type { Database } from '@ioto/database';
import { CodedError } from '@ioto/runtime';

/** Types a Store value can have; on the wire every value is text with its type beside it. */
export type StoreValue = string | number | boolean | Date | Record<string, unknown> | unknown[];

/** Named values of the device, kept in its database and synchronized with the cloud (Ioto contract §8, model Store). */
export interface Store {
  /** The value under `key` in the type it was set with; undefined when there is none. */
  get(key: string): StoreValue | undefined;
  /** Resolves when the value is durable on the device; it travels up when the cloud is there. @throws STORE_VALUE */
  set(key: string, value: StoreValue): Promise<void>;
  remove(key: string): Promise<void>;
}

/** The Store of a database; asked for at each call, since the database opens after the agent was made. */
export function openStore(database: () => Database): Store {
  return {
    get(key) {
      const item = database().get('Store', { key });
      return item && fromText(String(item.value ?? ''), String(item.type ?? 'string'));
    },
    async set(key, value) {
      await database().upsert('Store', { key, ...toText(value) });
    },
    async remove(key) {
      await database().remove('Store', { key });
    },
  };
}

/** @throws STORE_VALUE for what text cannot hold. */
export function toText(value: StoreValue): { value: string; type: string } {
  if (typeof value === 'string') return { value, type: 'string' };
  if (typeof value === 'boolean') return { value: String(value), type: 'boolean' };
  if (typeof value === 'number' && Number.isFinite(value)) return { value: String(value), type: 'number' };
  if (value instanceof Date && !Number.isNaN(value.getTime()))
    return { value: value.toISOString(), type: 'date' };
  if (Array.isArray(value)) return { value: JSON.stringify(value), type: 'array' };
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return { value: JSON.stringify(value), type: 'object' };
  }
  throw new CodedError(
    'STORE_VALUE',
    'a Store value is text, a finite number, a boolean, a valid date, an object or an array',
  );
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
