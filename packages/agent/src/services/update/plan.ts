import type { UpdateAnswer, UpdateReport } from '@ioto/protocol';
import compareVersions from 'semver/functions/compare.js';
import type { CurrentUpdate, Stage, UpdateJournal } from './journal.ts';
import { isLocal } from './local-image.ts';

/** How often an image may turn out wrong, or applying one be begun, before the update is given up. */
export const MOST_TRIES = 3;

/** Milliseconds. */
const SHORTEST_PERIOD = 1000;

/** Times in milliseconds; Infinity for what is not to come. */
export interface Times {
  now: number;
  check: number;
  /** From when on the cloud may be asked where that is needed before `check`. */
  ask: number;
  download: number;
  apply: number;
  /** What the cloud said last is too old to go by. */
  isStale: boolean;
}

export type Step = { do: 'check' | 'download' | 'apply' } | { do: 'wait'; until: number };

/**
 * What is to be done next, what is furthest first; an image of the cloud is applied on no word of it that is stale. While the
 * program is to restart, nothing.
 */
export function nextStep({ current }: UpdateJournal, times: Times): Step {
  const { now, download, apply, isStale } = times;
  const stage = current?.stage;
  if (stage === 'restarting' || stage === 'applying') return { do: 'wait', until: Number.POSITIVE_INFINITY };
  const isDue = stage === 'ready' && apply <= now;
  if (isDue && (!isStale || (current && isLocal(current.offer)))) return { do: 'apply' };
  if (stage === 'downloading' && download <= now) return { do: 'download' };
  const check = isDue ? Math.min(times.check, times.ask) : times.check;
  if (check <= now) return { do: 'check' };
  const next = stage === 'ready' && !isDue ? apply : stage === 'downloading' ? download : check;
  return { do: 'wait', until: Math.min(check, next) };
}

/** Whether the last check-in is longer ago than one may be: the cloud may have taken back what it offered then. */
export function isStale(
  { checked }: UpdateJournal,
  { now, period }: { now: number; period: number },
): boolean {
  if (checked === undefined) return true;
  // A time to come is of a clock that was wrong; a device that asks on demand only goes by what it was told.
  return Number.isFinite(period) && (checked > now || now - checked > Math.max(period, SHORTEST_PERIOD));
}

/** The moment of the next check-in, before window and jitter: a period after the last, but soon where there is something to report. */
export function nextCheck(
  { checked, report }: UpdateJournal,
  { now, started, delay, period }: { now: number; started: number; delay: number; period: number },
): number {
  const first = started + delay;
  if (report) return Math.max(now, first);
  // A time to come is of a clock that was wrong.
  if (checked === undefined || checked > now) return Math.max(now, first);
  return Math.max(first, checked + Math.max(period, SHORTEST_PERIOD));
}

/** How the script of an update ended that was being applied when the device last ran: `done` where it wants a restart. */
export type EarlierScript = 'unknown' | 'failed' | 'applied' | 'done';

/** What has become of the update that was under way when the device last ran. */
export function afterStart(
  journal: UpdateJournal,
  running: string,
  script: EarlierScript = 'unknown',
): UpdateJournal {
  const { current } = journal;
  if (!current) return journal;
  const { offer, stage, tries } = current;
  const order = compareVersions(running, offer.version);
  const { version } = offer;
  if (order === 0 || (stage === 'applying' && script === 'applied')) {
    return ended(journal, { version, outcome: 'applied' });
  }
  if (order > 0) return without(journal);
  if (stage === 'handed') return at(journal, { ...current, stage: 'ready' });
  if (stage === 'restarting' || (stage === 'applying' && script === 'done')) {
    const message = `the device was restarted and still runs ${running}`;
    return ended(journal, { version, outcome: 'failed', code: 'UPDATE_NOT_TAKEN', message });
  }
  if (stage !== 'applying') return journal;
  if (tries < MOST_TRIES) return at(journal, { ...current, stage: 'ready' });
  const message =
    script === 'failed'
      ? `scripts.update failed ${tries} times`
      : `scripts.update was cut short ${tries} times`;
  return ended(journal, { version, outcome: 'failed', code: 'UPDATE_SCRIPT', message });
}

/**
 * What an answer to a check-in changes. One that was brought to its end is not taken up again, unless somebody asked for
 * the check-in; one that the cloud names no more is dropped, unless it is being applied.
 */
export function afterOffer(
  journal: UpdateJournal,
  offer: UpdateAnswer | undefined,
  { running, demanded }: { running: string; demanded: boolean },
): UpdateJournal {
  const { current, settled, highest } = journal;
  if (current && isTaken(current)) return journal;
  if (!offer) return without(journal);
  const order = compareVersions(offer.version, running);
  if (order === 0) return without(journal);
  // The URL is another one each time.
  if (current && isSame(current.offer, offer)) return at(journal, { ...current, offer });
  if (settled && isSame(settled, offer) && !demanded) return without(journal);
  if (order < 0 || isOlder(offer.version, highest)) {
    const message = `the cloud offers ${offer.version}, and the device ${order < 0 ? `runs ${running}` : `has had ${highest}`}`;
    const report = { version: offer.version, outcome: 'failed', code: 'UPDATE_DOWNGRADE', message } as const;
    return ended(at(journal, { offer, stage: 'downloading', tries: 0 }), report);
  }
  return at(journal, { offer, stage: 'downloading', tries: 0 });
}

/** Somebody works with the image, or has, or has brought it here. */
function isTaken({ stage, offer }: CurrentUpdate): boolean {
  return isBusy(stage) || isLocal(offer);
}

/** Somebody works with the image, or has. */
export function isBusy(stage: Stage): boolean {
  return stage === 'applying' || stage === 'handed' || stage === 'restarting';
}

/** One more try has failed: what is tried again, and the end when it was the last. */
export function afterFailure(
  journal: UpdateJournal,
  problem: { code: string; message: string },
  { again }: { again: 'downloading' | 'ready' | 'never' },
): UpdateJournal {
  const { current } = journal;
  if (!current) return journal;
  const tries = current.tries + (current.stage === 'applying' ? 0 : 1);
  const canBe = again === 'ready' || (again === 'downloading' && !isLocal(current.offer));
  if (canBe && tries < MOST_TRIES) return at(journal, { ...current, stage: again, tries });
  return ended(journal, { version: current.offer.version, outcome: 'failed', ...problem });
}

/** The update is over, one way or the other, and the cloud is to hear of it. */
export function ended(journal: UpdateJournal, report: UpdateReport): UpdateJournal {
  const { current, ...rest } = journal;
  const settled = current && {
    version: current.offer.version,
    checksum: current.offer.checksum,
    end: report,
  };
  const isHighest = report.outcome === 'applied' && !isOlder(report.version, journal.highest);
  return { ...rest, ...(settled && { settled }), ...(isHighest && { highest: report.version }), report };
}

/** Whether a version is below the highest that was ever applied. */
export function isOlder(version: string, highest: string | undefined): boolean {
  return highest !== undefined && compareVersions(version, highest) < 0;
}

/** The update moves on, unless it is another one, or elsewhere, by now. */
export function moved(
  journal: UpdateJournal,
  offer: UpdateAnswer,
  { from, to, tries }: { from: Stage; to: Stage; tries?: number },
): UpdateJournal {
  const { current } = journal;
  if (!current || current.stage !== from || !isSame(current.offer, offer)) return journal;
  return at(journal, { ...current, stage: to, tries: tries ?? current.tries });
}

export function at(journal: UpdateJournal, current: CurrentUpdate): UpdateJournal {
  return { ...journal, current };
}

export function without({ current: _current, ...rest }: UpdateJournal): UpdateJournal {
  return rest;
}

export function isSame(
  left: { version: string; checksum: string },
  right: { version: string; checksum: string },
): boolean {
  return left.version === right.version && left.checksum.toLowerCase() === right.checksum.toLowerCase();
}
