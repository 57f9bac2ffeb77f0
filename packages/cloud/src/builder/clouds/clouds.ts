import { createHash, randomBytes } from 'node:crypto';
import { type CloudRecord, type CloudRegisterRequest, secretsEqual } from '@ioto/protocol';
import { type Clock, CodedError, isoTime, isUlid, newUlid } from '@ioto/runtime';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';

const PARTITION = 'cloud#';

/** A cloud key names its cloud, so that it is found without an index: `ioto_cloud_{ULID}_{256 random bits}`. */
const KEY = /^ioto_cloud_([0-9A-HJKMNP-TV-Z]{26})_[\w-]{43}$/;

export type NewCloud = Partial<CloudRegisterRequest>;

/** A device cloud as the builder shows it to its operators. */
export interface KnownCloud extends CloudRecord {
  /** ISO times. */
  created: string;
  /** When the cloud last said where it is. */
  registered?: string;
}

interface CloudItem extends StoredItem, KnownCloud {
  keyHash: string;
}

/** The device clouds that may bind devices, each with a key that is kept as a hash. */
export class Clouds {
  readonly #store: ItemStore;
  readonly #clock: Clock;

  constructor(options: { store: ItemStore; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** The key is in the answer, and nowhere else. */
  async create(facts: NewCloud): Promise<{ cloud: KnownCloud; key: string }> {
    const key = newCloudKey(this.#clock);
    return { cloud: await this.ensure(key, facts), key };
  }

  /** Makes the cloud that a key names, unless it is there. */
  async ensure(key: string, facts: NewCloud): Promise<KnownCloud> {
    const id = cloudOfKey(key);
    const present = await this.#item(id);
    if (present) return toCloud(present);
    const cloud: KnownCloud = {
      id,
      name: facts.name ?? 'Device cloud',
      type: facts.type ?? 'dedicated',
      region: facts.region ?? '',
      api: facts.api ?? '',
      created: isoTime(this.#clock),
    };
    const item: CloudItem = { pk: PARTITION, sk: id, ...cloud, keyHash: hashOf(key) };
    await this.#store.write([{ put: item, if: { absent: true } }]);
    return cloud;
  }

  /** The cloud that holds this key. @throws CLOUD_KEY_INVALID (401) */
  async authenticate(key: string | undefined): Promise<CloudRecord> {
    const id = KEY.exec(key ?? '')?.[1];
    const item = id ? await this.#item(id) : undefined;
    if (!key || !item || !secretsEqual(hashOf(key), item.keyHash)) {
      throw new CodedError('CLOUD_KEY_INVALID', 'this is not the key of a device cloud', { status: 401 });
    }
    return toRecord(item);
  }

  /** What a cloud says of itself: where devices are redirected to. */
  async register(id: string, facts: CloudRegisterRequest): Promise<CloudRecord> {
    const item = await this.#item(id);
    if (!item) throw unknownCloud();
    const updated = { ...item, ...facts, registered: isoTime(this.#clock) };
    await this.#store.write([{ put: updated, if: { exists: true } }]);
    return toRecord(updated);
  }

  async get(id: string): Promise<CloudRecord | undefined> {
    const item = await this.#item(id);
    return item && toRecord(item);
  }

  async list(after?: string): Promise<{ items: KnownCloud[]; next?: string }> {
    const { items, next } = await this.#store.query(PARTITION, { after });
    return { items: items.map((item) => toCloud(item as CloudItem)), next };
  }

  async #item(id: string): Promise<CloudItem | undefined> {
    return isUlid(id) ? ((await this.#store.get(PARTITION, id)) as CloudItem | undefined) : undefined;
  }
}

export function newCloudKey(clock: Clock): string {
  return `ioto_cloud_${newUlid(clock.now())}_${randomBytes(32).toString('base64url')}`;
}

/** The cloud ID that a key names. @throws CLOUD_KEY_MALFORMED */
export function cloudOfKey(key: string): string {
  const id = KEY.exec(key)?.[1];
  if (!id) {
    throw new CodedError(
      'CLOUD_KEY_MALFORMED',
      'this is not a cloud key: make one with "ioto-cloud cloud create"',
      {
        status: 400,
      },
    );
  }
  return id;
}

function unknownCloud(): CodedError {
  return new CodedError('CLOUD_UNKNOWN', 'there is no such device cloud', { status: 404 });
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function toRecord({ id, name, type, region, api }: CloudItem): CloudRecord {
  return { id, name, type, region, api };
}

function toCloud(item: CloudItem): KnownCloud {
  return { ...toRecord(item), created: item.created, registered: item.registered };
}
