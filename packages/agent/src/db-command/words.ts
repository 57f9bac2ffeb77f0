import type { DatabaseCheck, DatabaseStats, LostPart, Salvaged, TornTail } from '@ioto/database';

/** Lines for a person: what a value is of, and the value with its unit. One that is undefined is left out. */
export type Words = Readonly<Record<string, string | undefined>>;

/** The figures of a database; of one that no program has open there is nothing to tell of writes. */
export function statsInWords(stats: DatabaseStats & { bytesPerChange?: number }): Words {
  const { changes, commits, failedCommits, compactions, writtenBytes, bytesPerChange } = stats;
  const each = bytesPerChange === undefined ? '' : `, ${bytesInWords(Math.round(bytesPerChange))} a change`;
  const written = changes > 0 || commits > 0;
  return {
    items: `${stats.items}, together ${bytesInWords(stats.size)}`,
    'to the cloud': stats.outbox === 0 ? 'nothing waits' : `${counted(stats.outbox, 'change')} waiting`,
    'given up': lostInWords(stats.lost),
    files: filesInWords(stats),
    'since the start': written
      ? `${counted(changes, 'change')} in ${counted(commits, 'commit')}, ${bytesInWords(writtenBytes)} written${each}`
      : undefined,
    snapshots: compactions === 0 ? undefined : `${compactions} made since the start`,
    'failed commits': failedCommits === 0 ? undefined : String(failedCommits),
    ...tornInWords(stats.tornTail),
    ...(stats.salvaged && salvageInWords(stats.salvaged)),
  };
}

export function checkInWords(check: DatabaseCheck): Words {
  if (check.isSound) {
    const { snapshotBytes = 0, journalBytes = 0 } = check;
    return {
      database: 'sound: every record could be read',
      files: filesInWords({ snapshotBytes, journalBytes }),
      ...tornInWords(check.tornTail),
    };
  }
  return { database: 'damaged', problem: check.problem, ...partsInWords(check.lost ?? []) };
}

export function salvageInWords(salvaged: Salvaged | undefined): Words {
  if (!salvaged) return { database: 'sound: there is nothing to salvage' };
  const { at, items, left, directory, lost } = salvaged;
  return {
    salvaged: `${at}, ${counted(items, 'item')} read`,
    'left behind': left === 0 ? undefined : `${counted(left, 'item')} of an owner before`,
    ...partsInWords(lost),
    'damaged files': directory,
  };
}

/** Such as `512 bytes`, `2.8 KiB`. */
export function bytesInWords(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB'];
  let value = bytes / 1024;
  if (value < 1) return counted(bytes, 'byte');
  let unit = 0;
  // What would be rounded to 1024 of a unit is one of the next.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

function filesInWords({ snapshotBytes, journalBytes }: { snapshotBytes: number; journalBytes: number }) {
  const snapshot = snapshotBytes === 0 ? 'no snapshot yet' : `snapshot ${bytesInWords(snapshotBytes)}`;
  return `${snapshot}, journal ${bytesInWords(journalBytes)}`;
}

function lostInWords(lost: Readonly<Record<string, number>>): string {
  const models = Object.entries(lost).filter(([, count]) => count > 0);
  return models.map(([model, count]) => `${count} of ${model}`).join(', ') || 'none';
}

function tornInWords(torn: TornTail | undefined): Words {
  if (!torn) return {};
  return { 'torn write': `${bytesInWords(torn.bytes)} at ${torn.file}:${torn.offset}, never acknowledged` };
}

/** Each part has a line of its own. */
function partsInWords(parts: readonly LostPart[]): Words {
  return Object.fromEntries(
    parts.map(({ file, offset, bytes, reason }, at) => {
      const size = bytes === 0 ? '' : `, ${bytesInWords(bytes)}`;
      return [parts.length === 1 ? 'lost' : `lost (${at + 1})`, `${file}:${offset}${size}, ${reason}`];
    }),
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
