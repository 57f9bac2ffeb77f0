import { join } from 'node:path';
import type { FileLayer } from '@ioto/database';

export interface GroupFile {
  path: string;
  /** Number of arrival of the first event that it may hold. */
  number: number;
}

const DIGITS = 16;

/** The files of a group: names tell what they hold and in which order. */
export const groupFiles = {
  wal: (directory: string, number: number) => join(directory, `wal-${padded(number)}`),
  segment: (directory: string, number: number) => join(directory, `seg-${padded(number)}`),
  /** Both kinds, the oldest first. */
  async find(files: FileLayer, directory: string): Promise<{ wals: GroupFile[]; segments: GroupFile[] }> {
    const names = (await files.list(directory)).sort();
    const of = (kind: string) =>
      names.flatMap((name) => {
        const [, found, number] = /^(wal|seg)-(\d{16})$/.exec(name) ?? [];
        return found === kind ? [{ path: join(directory, name), number: Number(number) }] : [];
      });
    return { wals: of('wal'), segments: of('seg') };
  },
};

/** Where the files of a group are. */
export function groupDirectory(directory: string, accountId: string, groupId: string): string {
  return join(directory, accountId, groupId);
}

function padded(number: number): string {
  return String(number).padStart(DIGITS, '0');
}
