import {
  emptyShadow,
  type ShadowRecord,
  type ShadowUpdate,
  shadowRefusal,
  shadowUnknown,
  type UpdatePlan,
} from '@ioto/protocol';
import type { AuditLog } from '../audit/audit-log.ts';
import { type DeviceRecords, isHeldBy, type Ownership } from '../devices/device-records.ts';
import type { EndpointPrincipal } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredItem, StoredKey, Write } from '../ports/item-store.ts';
import { expiryEntry } from '../sync/expiry/expiry-index.ts';
import {
  archivedPartition,
  bytesKey,
  bytesOf,
  countKey,
  countOf,
  isRemoved,
  itemOf,
  NAMES,
  nameKey,
  recordOf,
  type ShadowRef,
  shadowKey,
  shadowPartition,
  sizeOf,
} from './shadow-item.ts';
import { SHADOW_QUOTAS, tooManyBytes, tooManyShadows } from './shadow-quotas.ts';

/** Items that go to the archive in one commit. */
const ARCHIVED_AT_ONCE = 100;

export interface ShadowRecordsOptions {
  store: ItemStore;
  devices: Pick<DeviceRecords, 'ownershipKey'>;
  audit: Pick<AuditLog, 'entry'>;
  planUpdate: (before: ShadowRecord, update: ShadowUpdate) => UpdatePlan;
  /** Seconds since 1970. */
  now: () => number;
}

/** Shadows in the store. A write sees to it that the device is still its account's, in the same commit. */
export class ShadowRecords {
  readonly #options: ShadowRecordsOptions;

  constructor(options: ShadowRecordsOptions) {
    this.#options = options;
  }

  async get(ref: ShadowRef): Promise<ShadowRecord | undefined> {
    const { pk, sk } = shadowKey(ref);
    return recordOf(await this.#options.store.get(pk, sk));
  }

  /**
   * Durable when resolved.
   *
   * @throws ShadowError 401, 403, 404, 409 and 413; 403 also where the account has as much of shadows as it may.
   */
  async update(caller: EndpointPrincipal, ref: ShadowRef, update: ShadowUpdate): Promise<UpdatePlan> {
    const { store, planUpdate, now } = this.#options;
    let decided: UpdatePlan | undefined;
    const { clientToken: token } = update;
    await store.update(this.#keys(ref), ([ownership, item, total, count]) => {
      refuseOthers(caller, ref, ownership, token);
      const before = recordOf(item) ?? emptyShadow(isRemoved(item) ? item.version : 0);
      const plan = planUpdate(before, update);
      decided = plan;
      const put = itemOf(ref, plan.after, now());
      const writes: Write[] = [{ put }, ...counted(ref, total, sizeOf(put) - sizeOf(item), token)];
      const isNew = item === undefined || isRemoved(item);
      return isNew ? [...writes, ...this.#noteName(ref, item, count, token)] : writes;
    });
    return decided as UpdatePlan;
  }

  /**
   * Resolves the version that the shadow had.
   *
   * @throws ShadowError 401 and 404.
   */
  async remove(
    caller: EndpointPrincipal,
    ref: ShadowRef,
    { actor, token }: { actor?: string; token?: string },
  ): Promise<number> {
    const { store, audit } = this.#options;
    const { accountId, thing, name } = ref;
    let version = 0;
    await store.update(this.#keys(ref), ([ownership, item, total, count]) => {
      refuseOthers(caller, ref, ownership, token);
      if (item === undefined || isRemoved(item)) throw shadowUnknown(thing, name, token);
      version = Number(item.version);
      const details = name === undefined ? { version } : { version, name };
      const facts = { action: 'shadow.removed', accountId, deviceId: thing, details } as const;
      const entry = actor === undefined ? [] : [audit.entry({ accountId }, { ...facts, actor })];
      return [...this.#removal(ref, version, count), ...counted(ref, total, -sizeOf(item)), ...entry];
    });
    return version;
  }

  /** Names of the named shadows that there are, in order. */
  async names(
    ref: ShadowRef,
    { limit, after }: { limit: number; after?: string },
  ): Promise<{ names: string[]; next?: string }> {
    const page = await this.#options.store.query(shadowPartition(ref), {
      begins: NAMES,
      limit,
      ...(after === undefined ? {} : { after: NAMES + after }),
    });
    const names = page.items.map(({ sk }) => sk.slice(NAMES.length));
    return page.next === undefined ? { names } : { names, next: page.next.slice(NAMES.length) };
  }

  /**
   * Puts aside for a year what there is of a device that its account gives up: whoever has it next begins without. What is more
   * than an account may put aside is gone. May be done twice.
   */
  async archive(accountId: string, thing: string): Promise<void> {
    const { store } = this.#options;
    for (;;) {
      // What was moved is gone from where it was, so the next page begins there too.
      const { items } = await store.query(shadowPartition({ accountId, thing }), { limit: ARCHIVED_AT_ONCE });
      if (items.length === 0) return;
      const keys = items.map(({ pk, sk }) => ({ pk, sk }));
      await store.update([bytesKey(accountId), ...keys], ([total, ...found]) =>
        this.#putAside({ accountId, thing }, total, found),
      );
    }
  }

  #putAside(
    ref: ShadowRef,
    total: StoredItem | undefined,
    found: readonly (StoredItem | undefined)[],
  ): Write[] {
    const now = this.#options.now();
    const before = bytesOf(total);
    const isOver = now - before.archivedSince > SHADOW_QUOTAS.keptWhenGone;
    const since = isOver ? { archived: 0, archivedSince: now } : before;
    const size = found.reduce((sum, item) => sum + sizeOf(item), 0);
    const kept = since.archived + size <= SHADOW_QUOTAS.bytes;
    const keepUntil = this.#keepUntil();
    const writes = found.flatMap((item): Write[] => {
      if (!item) return [];
      const aside = { ...item, pk: archivedPartition(ref), keepUntil };
      const removal: Write = { remove: { pk: item.pk, sk: item.sk } };
      return kept && sizeOf(item) > 0 ? [removal, { put: aside }, expiryEntry(keepUntil, aside)] : [removal];
    });
    if (size === 0) return writes;
    const after = {
      bytes: Math.max(0, before.bytes - size),
      archived: kept ? since.archived + size : since.archived,
      archivedSince: since.archivedSince,
    };
    return [...writes, { put: { ...bytesKey(ref.accountId), ...after } }];
  }

  /** What a change of a shadow depends on. */
  #keys(ref: ShadowRef): StoredKey[] {
    const { devices } = this.#options;
    const keys = [devices.ownershipKey(ref.thing), shadowKey(ref), bytesKey(ref.accountId)];
    return ref.name === undefined ? keys : [...keys, countKey(ref)];
  }

  #keepUntil(): string {
    return new Date((this.#options.now() + SHADOW_QUOTAS.keptWhenGone) * 1000).toISOString();
  }

  #noteName(
    ref: ShadowRef,
    item: StoredItem | undefined,
    counted: StoredItem | undefined,
    token: string | undefined,
  ): Write[] {
    const { name } = ref;
    if (name === undefined) return [];
    const count = countOf(counted);
    if (count.named >= SHADOW_QUOTAS.named) throw tooManyShadows(ref.thing, token);
    const gone = isRemoved(item) ? Math.max(0, count.gone - 1) : count.gone;
    return [
      { put: nameKey(ref, name) },
      { put: { ...countKey(ref), ...count, named: count.named + 1, gone } },
    ];
  }

  /** The version is kept, so that those who know the shadow can tell its successor from it. */
  #removal(ref: ShadowRef, version: number, counted: StoredItem | undefined): Write[] {
    const now = this.#options.now();
    const key = shadowKey(ref);
    const keepUntil = this.#keepUntil();
    const mark: Write[] = [{ put: { ...key, gone: true, version, keepUntil } }, expiryEntry(keepUntil, key)];
    if (ref.name === undefined) return mark;
    const count = countOf(counted);
    const isOver = now - count.goneSince > SHADOW_QUOTAS.keptWhenGone;
    const [gone, goneSince] = isOver ? [0, now] : [count.gone, count.goneSince];
    // Names without end would leave marks without end.
    const marked = gone < SHADOW_QUOTAS.gone;
    const next = { named: Math.max(0, count.named - 1), gone: marked ? gone + 1 : gone, goneSince };
    return [
      ...(marked ? mark : [{ remove: key }]),
      { remove: nameKey(ref, ref.name) },
      { put: { ...countKey(ref), ...next } },
    ];
  }
}

/**
 * What the account has of shadows once one has grown by so much.
 *
 * @throws ShadowError 403 for more than it may have.
 */
function counted(
  { accountId }: ShadowRef,
  total: StoredItem | undefined,
  by: number,
  token?: string,
): Write[] {
  if (by === 0) return [];
  const before = bytesOf(total);
  const bytes = Math.max(0, before.bytes + by);
  if (by > 0 && bytes > SHADOW_QUOTAS.bytes) throw tooManyBytes(token);
  return [{ put: { ...bytesKey(accountId), ...before, bytes } }];
}

/** What a release has ended, no request that was on its way may bring back. */
function refuseOthers(
  caller: EndpointPrincipal,
  { accountId }: ShadowRef,
  item: StoredItem | undefined,
  token: string | undefined,
): void {
  const ownership = item as Partial<Ownership> | undefined;
  const isHeld = isHeldBy(accountId, ownership);
  if (caller.kind === 'tool' && !isHeld) throw shadowRefusal.thingUnknown(token);
  if (caller.kind === 'device' && !(isHeld && ownership?.generation === caller.generation)) {
    throw shadowRefusal.unauthorized(token);
  }
}
