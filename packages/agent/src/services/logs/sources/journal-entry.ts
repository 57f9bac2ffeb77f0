/** An entry of the journal as an event. */
export interface JournalEntry {
  /** Milliseconds since 1970. */
  time: number;
  /** `identifier[pid]: message`, as syslog has it. */
  text: string;
  cursor: string;
}

/** Fields to ask journalctl for. */
export const JOURNAL_FIELDS = ['MESSAGE', 'SYSLOG_IDENTIFIER', '_COMM', '_PID', 'SYSLOG_PID'];

/** Reads a line of `journalctl --output=json`; undefined for what is none. */
export function parseJournalEntry(line: string): JournalEntry | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const cursor = fields.__CURSOR;
  const time = Number(fields.__REALTIME_TIMESTAMP) / 1000;
  if (typeof cursor !== 'string' || !Number.isFinite(time)) return undefined;
  const who = textOf(fields.SYSLOG_IDENTIFIER) || textOf(fields._COMM) || 'unknown';
  const pid = textOf(fields._PID) || textOf(fields.SYSLOG_PID);
  return { time, cursor, text: `${who}${pid ? `[${pid}]` : ''}: ${textOf(fields.MESSAGE)}` };
}

/** A field is text, or the numbers of its bytes where it is not; several of one name are a list of them. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  const isBytes = value.every((each) => typeof each === 'number');
  return isBytes ? Buffer.from(value as number[]).toString('utf8') : textOf(value[0]);
}
