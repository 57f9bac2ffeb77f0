import type { AgentParts } from '../../agent-parts.ts';
import type { JobOutcome, JournalEntry } from './journal.ts';
import { operationOf, type Performer } from './service.ts';

export type DeedParts = Pick<
  AgentParts,
  | 'clock'
  | 'events'
  | 'settings'
  | 'directories'
  | 'options'
  | 'board'
  | 'provisionFile'
  | 'updates'
  | 'plan'
  | 'serverTime'
>;

/** One kind of work that a job may ask for. */
export type Deed = (
  parts: DeedParts,
  entry: JournalEntry,
  how: Parameters<Performer>[1],
) => Promise<JobOutcome | undefined>;

/** What jobs may ask for, by the `operation` of their documents; each is loaded when one does. */
const DEEDS: Readonly<Record<string, () => Promise<{ deed: Deed }>>> = {
  reboot: () => import('./deeds/reboot.ts'),
  logLevel: () => import('./deeds/log-level.ts'),
  diagnostics: () => import('./deeds/diagnostics.ts'),
  run: () => import('./deeds/program.ts'),
  update: () => import('./deeds/update.ts'),
};

export function performer(parts: DeedParts): Performer {
  return async (entry, how) => {
    const operation = operationOf(entry.document);
    if (!Object.hasOwn(DEEDS, operation)) {
      const known = Object.keys(DEEDS).join(', ');
      return rejected(`"operation" is ${operation}: this device knows ${known}`);
    }
    const module = await DEEDS[operation]?.();
    return module?.deed(parts, entry, how);
  };
}

export function succeeded(details: Record<string, string> = {}): JobOutcome {
  return { status: 'SUCCEEDED', details };
}

export function failed(reason: string, details: Record<string, string> = {}): JobOutcome {
  return { status: 'FAILED', details: { reason, ...details } };
}

/** The device does not do that, and has done nothing. */
export function rejected(reason: string): JobOutcome {
  return { status: 'REJECTED', details: { reason } };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
