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
import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import { expiryEntry } from '../sync/expiry/expiry-index.ts';
import {
  archivedPartition,
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
} from './shadow-item.ts';
import { SHADOW_QUOTAS, tooManyShadows } from './shadow-quotas.ts';

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
   * @throws ShadowError 401, 403, 404, 409 and 413.
   */
  async update(caller: EndpointPrincipal, ref: ShadowRef, update: ShadowUpdate): Promise<UpdatePlan> {
    const { store, devices, planUpdate, now } = this.#options;
    let decided: UpdatePlan | undefined;
    const keys = [devices.ownershipKey(ref.thing), shadowKey(ref), ...named(ref, countKey(ref))];
    await store.update(keys, ([ownership, item, count]) => {
      refuseOthers(caller, ref, ownership, update.clientToken);
      const before = recordOf(item) ?? emptyShadow(isRemoved(item) ? item.version : 0);
      const plan = planUpdate(before, update);
      decided = plan;
      const put: Write = { put: itemOf(ref, plan.after, now()) };
      const isNew = item === undefined || isRemoved(item);
      return isNew ? [put, ...this.#noteName(ref, item, count, update.clientToken)] : [put];
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
    const { store, devices, audit } = this.#options;
    const { accountId, thing, name } = ref;
    let version = 0;
    const keys = [devices.ownershipKey(thing), shadowKey(ref), ...named(ref, countKey(ref))];
    await store.update(keys, ([ownership, item, count]) => {
      refuseOthers(caller, ref, ownership, token);
      if (item === undefined || isRemoved(item)) throw shadowUnknown(thing, name, token);
      version = Number(item.version);
      const details = name === undefined ? { version } : { version, name };
      const facts = { action: 'shadow.removed', accountId, deviceId: thing, details } as const;
      const entry = actor === undefined ? [] : [audit.entry({ accountId }, { ...facts, actor })];
      return [...this.#removal(ref, version, count), ...entry];
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

  /** Puts aside what there is of a device that its account gives up: whoever has it next begins without. May be done twice. */
  async archive(accountId: string, thing: string): Promise<void> {
    const { store } = this.#options;
    const ref = { accountId, thing };
    const [from, to] = [shadowPartition(ref), archivedPartition(ref)];
    for (;;) {
      // What was moved is gone from where it was, so the next page begins there too.
      const { items } = await store.query(from, { limit: ARCHIVED_AT_ONCE });
      if (items.length === 0) return;
      const kept = items.filter(({ state }) => typeof state === 'string');
      const puts = kept.map((item): Write => ({ put: { ...item, pk: to } }));
      await store.write([...items.map(({ pk, sk }): Write => ({ remove: { pk, sk } })), ...puts]);
    }
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
    const keepUntil = new Date((now + SHADOW_QUOTAS.keptWhenGone) * 1000).toISOString();
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

/** Only named shadows are counted. */
function named<T>({ name }: ShadowRef, key: T): T[] {
  return name === undefined ? [] : [key];
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
