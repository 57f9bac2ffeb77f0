import type { ChildProcess } from 'node:child_process';
import { signalGroup, startGroup } from '../../../child-process/group.ts';
import { expandPath } from '../../../config-loading/directories.ts';
import type { JobOutcome } from '../journal.ts';
import { aborted, type Deed, type DeedParts, failed, rejected, succeeded } from '../perform.ts';

/** Bytes of each of a program's outputs that are kept: their ends. */
const KEPT = 8192;
/** Milliseconds that a program is given to end itself. */
const GRACE = 3000;
const LONGEST_ARGUMENT = 4096;
const DAY = 86_400;

interface Call {
  path: string;
  args: string[];
  /** Milliseconds. */
  timeout: number;
}

/** `{ "operation": "run", "program": "name", "args"?: [...], "timeout"?: seconds }`: one of `jobs.programs`, without a shell. */
export const deed: Deed = async (parts, { document }, { resumed, signal }) => {
  // Whether it has run to its end nobody knows, and a second time may be once too often.
  if (resumed) return failed('interrupted: the device stopped while the program ran');
  const call = callOf(document, parts);
  return 'status' in call ? call : run(call, parts, signal);
};

/** What is to be run, as far as the settings allow it. */
export function callOf(
  { program, args = [], timeout }: Readonly<Record<string, unknown>>,
  { settings, directories }: Pick<DeedParts, 'settings' | 'directories'>,
): Call | JobOutcome {
  const { programs, timeout: usual } = settings.jobs;
  const entry =
    typeof program === 'string' && Object.hasOwn(programs, program) ? programs[program] : undefined;
  if (!entry)
    return rejected(`"program" is ${shown(program)}: jobs.programs of this device does not name it`);
  if (!Array.isArray(args) || !args.every((each) => typeof each === 'string')) {
    return rejected('"args" must be a list of texts');
  }
  for (const [at, arg] of (args as string[]).entries()) {
    const pattern = entry.args[at];
    if (pattern === undefined) {
      return rejected(`"args" has ${args.length}: ${program} takes ${entry.args.length} on this device`);
    }
    // A NUL would end the argument for the program alone.
    const isFit = arg.length <= LONGEST_ARGUMENT && !arg.includes('\0');
    if (!isFit || !new RegExp(`^(?:${pattern})$`, 'u').test(arg)) {
      return rejected(`"args" ${at + 1} is ${shown(arg)}: ${program} does not take that on this device`);
    }
  }
  const seconds = timeout === undefined ? usual / 1000 : Number(timeout);
  if (!(seconds > 0 && seconds <= DAY)) return rejected(`"timeout" must be from 1 to ${DAY} seconds`);
  return { path: expandPath(entry.path, directories), args: args as string[], timeout: seconds * 1000 };
}

async function run(
  { path, args, timeout }: Call,
  { clock, directories }: Pick<DeedParts, 'clock' | 'directories'>,
  signal: AbortSignal,
): Promise<JobOutcome | undefined> {
  const { PATH, HOME, LANG, TZ } = process.env;
  const outputs = { stdout: new Tail(), stderr: new Tail() };
  let child: ChildProcess | undefined;
  const ended = new Promise<{ code?: number | null; killedBy?: string | null; error?: Error }>((resolve) => {
    const options = {
      cwd: directories.state,
      // What the agent itself was given, such as keys, is not the program's to see.
      env: Object.fromEntries(
        Object.entries({ PATH, HOME, LANG, TZ }).filter(([, value]) => value !== undefined),
      ),
    };
    child = startGroup(path, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }, (error) =>
      resolve({ error }),
    );
    child?.on('exit', (code, killedBy) => {
      // A child of the program may hold its outputs open for ever.
      const settle = () => resolve({ code, killedBy });
      child?.on('close', settle);
      setTimeout(settle, 500).unref();
    });
  });
  child?.stdout?.on('data', (chunk: Buffer) => outputs.stdout.add(chunk));
  child?.stderr?.on('data', (chunk: Buffer) => outputs.stderr.add(chunk));
  let cancel: (() => void) | undefined;
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.after(timeout, () => resolve('late'), { unref: true });
  });
  const first = await Promise.race([ended, late, aborted(signal).then(() => 'taken' as const)]);
  cancel?.();
  if (first === 'late' || first === 'taken') await endGroup(child, ended);
  const end = await ended;
  const texts = { stdout: outputs.stdout.text, stderr: outputs.stderr.text };
  if (end.error) return failed(`the program cannot be started: ${end.error.message}`);
  if (first === 'taken') return failed('the program was ended: the job was taken back', texts);
  if (first === 'late') return failed(`the program took longer than ${timeout / 1000} seconds`, texts);
  const exitCode = String(end.code ?? end.killedBy);
  if (end.code === 0) return succeeded({ exitCode, ...texts });
  return failed(`the program ended with ${exitCode}`, { exitCode, ...texts });
}

async function endGroup(child: ChildProcess | undefined, ended: Promise<unknown>): Promise<void> {
  const kill = (how: NodeJS.Signals) => signalGroup(child, how);
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), GRACE);
  await ended;
  clearTimeout(timer);
  // What the program has started, and did not end with it.
  kill('SIGKILL');
}

/** The last bytes of a stream, in bounded memory. */
class Tail {
  #bytes = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(-KEPT)]);
    if (this.#bytes.length > KEPT) this.#bytes = Buffer.from(this.#bytes.subarray(-KEPT));
  }

  get text(): string {
    return this.#bytes.toString('utf8');
  }
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 200) ?? 'missing';
}
