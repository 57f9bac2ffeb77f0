import type { UpdateReport } from '@ioto/protocol';
import type { Emitter } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { JournalFile, UpdateJournal } from './journal.ts';

/** Writes a decision down, and tells of an update that has ended by it. */
export async function decideAndTell(
  journal: JournalFile,
  events: Emitter<AgentEvents>,
  decide: (journal: UpdateJournal) => UpdateJournal,
): Promise<{ after: UpdateJournal; end: UpdateReport | undefined }> {
  let report: UpdateReport | undefined;
  const after = await journal.change((before) => {
    const decided = decide(before);
    report = decided.report === before.report ? undefined : decided.report;
    return decided;
  });
  if (report) events.emit('update:ended', { ...report });
  return { after, end: report };
}
