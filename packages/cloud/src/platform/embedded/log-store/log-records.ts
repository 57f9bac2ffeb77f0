import type { ItemStore, StoredItem, Write } from '../../../ports/item-store.ts';
import { type GroupsQuery, type LogGroup, type LogStream, logStoreError } from '../../../ports/log-store.ts';

/** A group as it is stored: with the number that its next stream gets. */
export interface GroupRecord extends LogGroup {
  nextStream: number;
}

export interface StreamRecord extends LogStream {
  /** Stands for it in the files of the group; a stream of the same name that is made later has another. */
  number: number;
}

/** Writes in one commit. */
const BATCH = 500;

const ofGroups = (accountId: string) => `log-groups#${accountId}`;
const ofStreams = (groupId: string) => `log-streams#${groupId}`;

/** What is known of groups and streams, beside their events. */
export class LogRecords {
  readonly #store: ItemStore;

  constructor(store: ItemStore) {
    this.#store = store;
  }

  async group(accountId: string, name: string): Promise<GroupRecord | undefined> {
    const item = name === '' ? undefined : await this.#store.get(ofGroups(accountId), name);
    return item && (contentOf(item) as GroupRecord);
  }

  /** @throws LOG_GROUP_UNKNOWN */
  async requireGroup(accountId: string, name: string): Promise<GroupRecord> {
    const record = await this.group(accountId, name);
    if (!record) throw logStoreError('LOG_GROUP_UNKNOWN', 'there is no such log group');
    return record;
  }

  async groups(
    accountId: string,
    { prefix, containing, after, limit }: GroupsQuery,
  ): Promise<{ groups: LogGroup[]; next?: string }> {
    const part = containing?.toLowerCase();
    const groups: LogGroup[] = [];
    for (let from = after; ; ) {
      const page = await this.#store.query(ofGroups(accountId), { begins: prefix, after: from, limit: 1000 });
      for (const item of page.items) {
        const { nextStream: _, ...group } = contentOf(item) as GroupRecord;
        if (part !== undefined && !group.name.toLowerCase().includes(part)) continue;
        if (groups.length === limit) return { groups, next: (groups.at(-1) as LogGroup).name };
        groups.push(group);
      }
      if (page.next === undefined) return { groups };
      from = page.next;
    }
  }

  /** How many groups an account has, as far as `most` and one more. */
  async countGroups(accountId: string, most: number): Promise<number> {
    const { items } = await this.#store.query(ofGroups(accountId), { limit: most + 1 });
    return items.length;
  }

  async addGroup(accountId: string, record: GroupRecord): Promise<void> {
    await this.#store.write([{ put: groupItem(accountId, record), if: { absent: true } }]);
  }

  /** Changes what is stored of a group that is there still. */
  async changeGroup(
    accountId: string,
    name: string,
    change: (record: GroupRecord) => GroupRecord,
  ): Promise<void> {
    const key = { pk: ofGroups(accountId), sk: name };
    await this.#store.update([key], ([item]) =>
      item ? [{ put: groupItem(accountId, change(contentOf(item) as GroupRecord)) }] : [],
    );
  }

  async removeGroup(accountId: string, name: string, also: readonly Write[]): Promise<void> {
    await this.#store.write([{ remove: { pk: ofGroups(accountId), sk: name } }, ...also]);
  }

  async streams(groupId: string): Promise<StreamRecord[]> {
    const records: StreamRecord[] = [];
    for (let after: string | undefined; ; ) {
      const { items, next } = await this.#store.query(ofStreams(groupId), { after, limit: 1000 });
      records.push(...items.map((item) => contentOf(item) as StreamRecord));
      if (next === undefined) return records;
      after = next;
    }
  }

  /** With the group's next number, in one commit. */
  async addStream(accountId: string, group: GroupRecord, stream: StreamRecord): Promise<void> {
    const key = { pk: ofGroups(accountId), sk: group.name };
    await this.#store.update([key], ([item]) => {
      if (!item || item.id !== group.id) throw logStoreError('LOG_GROUP_UNKNOWN', 'the log group is gone');
      const record = { ...(contentOf(item) as GroupRecord), nextStream: stream.number + 1 };
      return [{ put: groupItem(accountId, record) }, { put: streamItem(group.id, stream) }];
    });
  }

  async putStreams(groupId: string, streams: readonly StreamRecord[]): Promise<void> {
    await this.#inBatches(streams.map((stream) => ({ put: streamItem(groupId, stream) })));
  }

  async removeStreams(groupId: string, names: readonly string[]): Promise<void> {
    await this.#inBatches(names.map((sk) => ({ remove: { pk: ofStreams(groupId), sk } })));
  }

  async #inBatches(writes: readonly Write[]): Promise<void> {
    for (let at = 0; at < writes.length; at += BATCH) await this.#store.write(writes.slice(at, at + BATCH));
  }
}

function groupItem(accountId: string, record: GroupRecord): StoredItem {
  return { pk: ofGroups(accountId), sk: record.name, ...record };
}

function streamItem(groupId: string, record: StreamRecord): StoredItem {
  return { pk: ofStreams(groupId), sk: record.name, ...record };
}

function contentOf({ pk: _pk, sk: _sk, ...content }: StoredItem): unknown {
  return content;
}
