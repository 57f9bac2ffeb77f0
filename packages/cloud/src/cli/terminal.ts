/** What a command reads and writes; `main.ts` gives it the process's own. */
export interface Terminal {
  /** What a script takes on: bare IDs, or one JSON object. */
  out(text: string): void;
  /** What a person reads. */
  say(text: string): void;
  /** Where the log goes: one JSON object a line. */
  log: { write(line: string): void };
  /** All of standard input. */
  input(): Promise<string>;
  /** Aborted when the program is asked to end. */
  stopping: AbortSignal;
}
