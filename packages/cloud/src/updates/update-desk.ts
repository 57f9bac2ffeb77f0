import { type Clock, isoTime } from '@ioto/runtime';
import type { AuditAction, AuditLog } from '../audit/audit-log.ts';
import { Turns } from '../devices/turns.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import { type ItemStore, type Write, writeIfHolds } from '../ports/item-store.ts';
import { parsePolicy } from './policy-expression.ts';
import {
  beginningOf,
  checkProduct,
  checkSignature,
  checkVersion,
  toUpdate,
  UPDATES,
  type UpdateRecord,
  updateError,
  updateKey,
} from './update-record.ts';
import type { Uploads } from './uploads.ts';

/** Updates of one product: all are looked at when a device of it checks in. */
export const MOST_UPDATES = 100;

export interface UpdateDeskOptions {
  store: ItemStore;
  blobs: BlobStore;
  uploads: Uploads;
  audit: AuditLog;
  clock: Clock;
}

export interface NewUpdate {
  product: string;
  version: string;
  /** ID of the upload that the image came by, and what it must be. */
  upload: string;
  size: number;
  sha256: string;
  signature?: string;
  policy?: string;
  description?: string;
  enabled?: boolean;
}

/** The versions of software that this cloud hands out. Every change is in the audit record of the cloud. */
export class UpdateDesk {
  readonly #options: UpdateDeskOptions;
  /** By product, for its limit. */
  readonly #turns = new Turns();

  constructor(options: UpdateDeskOptions) {
    this.#options = options;
  }

  /**
   * Makes an uploaded image a version of a product. Devices that it is for are told from their next check-in on.
   *
   * @throws UPDATE_PRODUCT_INVALID, UPDATE_VERSION_INVALID, UPDATE_SIGNATURE_INVALID, UPDATE_POLICY_INVALID, BLOB_SIZE, BLOB_CHECKSUM
   * (400); UPDATE_EXISTS, UPDATE_LIMIT (409); UPLOAD_UNKNOWN (404); BLOB_NO_ROOM (507).
   */
  async publish(wanted: NewUpdate, actor: string): Promise<UpdateRecord> {
    checkProduct(wanted.product);
    checkVersion(wanted.version);
    parsePolicy(wanted.policy ?? '');
    if (wanted.signature !== undefined) checkSignature(wanted.signature);
    return this.#turns.run(wanted.product, () => this.#publish(wanted, actor));
  }

  async #publish({ upload, ...wanted }: NewUpdate, actor: string): Promise<UpdateRecord> {
    const { store, blobs, uploads, clock } = this.#options;
    const { product, version, size, sha256, policy = '', enabled = true } = wanted;
    const others = await this.ofProduct(product);
    if (others.some((other) => other.version === version)) throw exists(product, version);
    if (others.length >= MOST_UPDATES) {
      throw updateError('UPDATE_LIMIT', `the product has ${MOST_UPDATES} updates: remove an old one first`);
    }
    const blob = await blobs.put(await uploads.content(upload), { size, sha256 });
    const now = isoTime(clock);
    const record: UpdateRecord = {
      ...{ product, version, policy, enabled, blob: blob.id, size, sha256: blob.sha256 },
      ...(wanted.description === undefined ? {} : { description: wanted.description }),
      ...(wanted.signature === undefined ? {} : { signature: wanted.signature }),
      ...{ created: now, updated: now },
    };
    const details = { product, version, policy, enabled, size, sha256: blob.sha256 };
    const signed = record.signature !== undefined;
    const put: Write = { put: { ...updateKey(product, version), ...record }, if: { absent: true } };
    if (!(await writeIfHolds(store, [put, this.#entry('update.published', actor, { ...details, signed })]))) {
      await blobs.remove(blob.id);
      throw exists(product, version);
    }
    await uploads.end(upload);
    return record;
  }

  /** @throws UPDATE_UNKNOWN (404) */
  async get(product: string, version: string): Promise<UpdateRecord> {
    const { pk, sk } = updateKey(product, version);
    const item = await this.#options.store.get(pk, sk);
    if (!item) throw unknown(product, version);
    return toUpdate(item);
  }

  /** Of one product, or of all. */
  async find({
    product,
    limit = 100,
    next,
  }: {
    product?: string;
    limit?: number;
    next?: string;
  } = {}): Promise<{ items: UpdateRecord[]; next?: string }> {
    const begins = product === undefined ? {} : { begins: beginningOf(checkProduct(product)) };
    const page = await this.#options.store.query(UPDATES, { ...begins, limit, after: next });
    return { items: page.items.map(toUpdate), ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /** All of a product, in no order that means anything. */
  async ofProduct(product: string): Promise<UpdateRecord[]> {
    const { items } = await this.#options.store.query(UPDATES, { begins: beginningOf(product) });
    return items.map(toUpdate);
  }

  /**
   * Changes whom an update is for. The image of a version never changes: devices have it already.
   *
   * @throws UPDATE_POLICY_INVALID (400); UPDATE_UNKNOWN (404)
   */
  async change(
    { product, version }: Pick<UpdateRecord, 'product' | 'version'>,
    change: Partial<Pick<UpdateRecord, 'policy' | 'description' | 'enabled'>>,
    actor: string,
  ): Promise<UpdateRecord> {
    const { store, clock } = this.#options;
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    if (change.policy !== undefined) parsePolicy(change.policy);
    const key = updateKey(product, version);
    const entry = this.#entry('update.changed', actor, { product, version, ...given });
    let changed: UpdateRecord | undefined;
    await store.update([key], ([item]) => {
      if (!item) throw unknown(product, version);
      changed = { ...toUpdate(item), ...given, updated: isoTime(clock) };
      return [{ put: { ...key, ...changed } }, entry];
    });
    return changed ?? this.get(product, version);
  }

  /** Also of devices that are fetching it: they find it gone at their next piece. @throws UPDATE_UNKNOWN (404) */
  async remove({ product, version }: { product: string; version: string }, actor: string): Promise<void> {
    const { store, blobs } = this.#options;
    const key = updateKey(product, version);
    const entry = this.#entry('update.removed', actor, { product, version });
    let blob: unknown;
    await store.update([key], ([item]) => {
      if (!item) throw unknown(product, version);
      blob = item.blob;
      return [{ remove: key }, entry];
    });
    await blobs.remove(String(blob));
  }

  /** Removes images that no update names: their publishing, or their removal, was cut short. */
  async sweep(): Promise<void> {
    const { blobs } = this.#options;
    const named = new Set<string>();
    let next: string | undefined;
    do {
      const page = await this.find({ limit: 1000, next });
      for (const { blob } of page.items) named.add(blob);
      next = page.next;
    } while (next !== undefined);
    for (const id of await blobs.list()) if (!named.has(id)) await blobs.remove(id);
  }

  #entry(action: AuditAction, actor: string, details: Record<string, unknown>): Write {
    return this.#options.audit.entry('cloud', { action, actor, details });
  }
}

function unknown(product: string, version: string) {
  return updateError('UPDATE_UNKNOWN', `there is no version ${version} of the product ${product} here`);
}

function exists(product: string, version: string) {
  return updateError(
    'UPDATE_EXISTS',
    `the product ${product} has a version ${version}, which devices may run: publish another version`,
  );
}
