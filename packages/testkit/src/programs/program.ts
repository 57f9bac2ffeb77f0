import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

export type ProgramName = 'ioto' | 'ioto-cloud';

const SHIMS: Record<ProgramName, string> = {
  ioto: fileURLToPath(new URL('../../../agent/bin/ioto.js', import.meta.url)),
  'ioto-cloud': fileURLToPath(new URL('../../../cloud/bin/ioto-cloud.js', import.meta.url)),
};

export interface ProgramOptions {
  cwd?: string;
  /** Added to the variables that every program gets; nothing of the test runner's leaks in. */
  env?: Record<string, string>;
  /** Written to standard input, which is then closed. */
  stdin?: string;
  /** Options of Node itself, such as `--import`. */
  nodeOptions?: string[];
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Finished extends Exit {
  stdout: string;
  stderr: string;
}

/** One of the two programs, as built, in a process of its own. Killed when its scope ends. */
export class Program {
  stdout = '';
  stderr = '';
  exit: Exit | undefined;
  /** Resolves once the process has ended and all it said has been read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #listeners = new Set<() => void>();

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#tell();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    this.exited = once(child, 'close').then(([code, signal]) => {
      this.exit = { code, signal };
      this.#tell();
      return this.exit;
    });
  }

  static spawn(name: ProgramName, args: readonly string[], options: ProgramOptions = {}): Program {
    return Program.spawnScript(SHIMS[name], args, options);
  }

  /** Any script of a test, by its path, in the same clean surroundings. */
  static spawnScript(script: string, args: readonly string[], options: ProgramOptions = {}): Program {
    return Program.spawnCommand(process.execPath, [...(options.nodeOptions ?? []), script, ...args], {
      name: basename(script, '.js'),
      ...options,
    });
  }

  /** Any other program of this machine, in the same clean surroundings. `name` is what messages call it. */
  static spawnCommand(
    command: string,
    args: readonly string[],
    { name = command, cwd, env, stdin = '' }: ProgramOptions & { name?: string } = {},
  ): Program {
    const { PATH = '', HOME = '/', TMPDIR } = process.env;
    const child = spawn(command, args, {
      cwd,
      env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
    return new Program(name, child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Everything it said, for messages. */
  get said(): string {
    return `${this.#name} said on stdout:\n${this.stdout}\non stderr:\n${this.stderr}`;
  }

  /**
   * Resolves with the first match of `pattern` in what it has said or will say.
   *
   * @throws when it ends first, or after `timeout` milliseconds; the message holds all it said.
   */
  waitFor(pattern: RegExp, { timeout = 20_000 } = {}): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (outcome: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        outcome();
      };
      const look = () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match) finish(() => resolve(match));
        else if (this.exit) {
          const { code, signal } = this.exit;
          finish(() => reject(new Error(`ended (${code ?? signal}) before ${pattern}. ${this.said}`)));
        }
      };
      const timer = setTimeout(() => {
        finish(() => reject(new Error(`no ${pattern} within ${timeout} ms. ${this.said}`)));
      }, timeout);
      this.#listeners.add(look);
      look();
    });
  }

  /** Sends the signal and resolves when the process has ended; SIGKILL is what a power cut does to a process. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    if (!this.exit) this.#child.kill(signal);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/**
 * Runs a program to its end.
 *
 * @throws after `timeout` milliseconds, having killed it.
 */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  { timeout = 20_000, ...options }: ProgramOptions & { timeout?: number } = {},
): Promise<Finished> {
  await using program = Program.spawn(name, args, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void program.kill();
  }, timeout);
  const exit = await program.exited;
  clearTimeout(timer);
  if (late) throw new Error(`${name} ${args.join(' ')} did not end within ${timeout} ms. ${program.said}`);
  return { ...exit, stdout: program.stdout, stderr: program.stderr };
}
