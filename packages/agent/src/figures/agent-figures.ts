import type { DatabaseStats } from '@ioto/database';

/** What the agent knows of itself at one moment. */
export interface AgentFigures {
  /** Absent without the service database. */
  readonly database?: DatabaseStats;
  /** Bytes. */
  readonly residentMemory: number;
  /** Seconds. */
  readonly uptime: number;
}

type Sample = readonly [name: string, type: 'counter' | 'gauge', help: string, value: number | undefined];

/** The figures in Prometheus' text format, version 0.0.4. Counters begin anew with the process. */
export function renderFigures({ database, residentMemory, uptime }: AgentFigures): string {
  const samples: readonly Sample[] = [
    ['process_resident_memory_bytes', 'gauge', 'Memory of the agent.', residentMemory],
    ['ioto_uptime_seconds', 'gauge', 'Time since the agent was started.', uptime],
    ...(database ? databaseSamples(database) : []),
  ];
  return samples.map(textOf).join('');
}

/** Bytes that the flash took for each change, so far; undefined before the first change. */
export function bytesPerChange({ changes, writtenBytes }: DatabaseStats): number | undefined {
  return changes > 0 ? writtenBytes / changes : undefined;
}

function databaseSamples(stats: DatabaseStats): readonly Sample[] {
  const { tornTail, salvaged } = stats;
  return [
    ['ioto_db_changes_total', 'counter', 'Items written and removed.', stats.changes],
    [
      'ioto_db_written_bytes_total',
      'counter',
      'Bytes written to journals and snapshots.',
      stats.writtenBytes,
    ],
    ['ioto_db_bytes_per_change', 'gauge', 'Wear of the flash.', bytesPerChange(stats)],
    ['ioto_db_commits_total', 'counter', 'Commits to the journal, each with one sync.', stats.commits],
    ['ioto_db_failed_commits_total', 'counter', 'Commits that were taken back.', stats.failedCommits],
    ['ioto_db_snapshots_total', 'counter', 'Folds of the journal into a snapshot.', stats.compactions],
    ['ioto_db_items', 'gauge', 'Items of all models.', stats.items],
    ['ioto_db_size_bytes', 'gauge', 'Size of all items, as database.maxSize limits it.', stats.size],
    ['ioto_db_journal_bytes', 'gauge', 'Journals since the last snapshot.', stats.journalBytes],
    ['ioto_db_snapshot_bytes', 'gauge', 'The last snapshot.', stats.snapshotBytes],
    ['ioto_db_outbox', 'gauge', 'Changes that the cloud has not acknowledged.', stats.outbox],
    [
      'ioto_db_lost_total',
      'counter',
      'Changes that were given up before the cloud had them.',
      Object.values(stats.lost).reduce((sum, count) => sum + count, 0),
    ],
    ['ioto_db_torn_tails_total', 'counter', 'Torn writes that this start cut off.', tornTail ? 1 : 0],
    ['ioto_db_salvages_total', 'counter', 'Salvages of a damaged database by this start.', salvaged ? 1 : 0],
    ['ioto_db_lost_bytes', 'gauge', 'What a salvage by this start could not read.', salvaged?.lostBytes ?? 0],
  ];
}

function textOf([name, type, help, value]: Sample): string {
  return value === undefined ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
}
