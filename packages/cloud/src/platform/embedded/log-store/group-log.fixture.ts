import type { FileLayer } from '@ioto/database';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { BlockReader } from './block-reader.ts';
import { GroupLog, type GroupLogLimits } from './group-log.ts';
import type { HeldBytes } from './held-bytes.ts';
import type { Wanted } from './hits.ts';
import { Sweep, type SweepOptions } from './sweep.ts';

export const DIRECTORY = '/logs/A/G';

/** Small, so that a few events fill logs and segments. */
export const smallLimits: Partial<GroupLogLimits> = { packAt: 1300, segment: 600 };

export async function openLog(
  files: FileLayer,
  clock = new VirtualClock(),
  limits: Partial<GroupLogLimits> = {},
  memory?: HeldBytes,
): Promise<GroupLog> {
  const log = new GroupLog({ directory: DIRECTORY, files, clock, logger: silentLogger, limits, memory });
  await log.open();
  return log;
}

/** One page of a search; of everything when nothing else is said. */
export function pageOf(
  log: GroupLog,
  wanted: Partial<Wanted> = {},
  more: Partial<Omit<SweepOptions, 'wanted'>> = {},
) {
  return new Sweep({
    ...{
      view: log.view,
      reader: new BlockReader(silentLogger),
      limit: 10_000,
      bytes: 1_000_000,
      budget: 60_000,
    },
    ...more,
    wanted: { from: 0, to: Number.MAX_SAFE_INTEGER, backward: false, ...wanted },
  }).page();
}

/** All events, the oldest first. */
export async function messagesOf(log: GroupLog): Promise<string[]> {
  return (await pageOf(log)).hits.map(({ message }) => message);
}
