import type { ChildProcess } from 'node:child_process';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, readTextIfPresent, sleep, syncDirectory } from '@ioto/runtime';
import { signalGroup, startGroup } from '../../child-process/group.ts';

/** What a script that went well wants to happen (Ioto contract §9). */
export type Directive = 'exit' | 'restart' | undefined;

/** How a script has ended. */
export type ScriptEnd = { ok: true; directive: Directive } | { ok: false; reason: string; by?: string };

/** Milliseconds between two looks at a script that an earlier run of the agent began. */
const LOOK = 500;
/** Bytes of what a script says that are read. */
const TAIL = 2000;

/**
 * `scripts.update`, run beside the agent: it writes down that it runs, what it says and how it ended, so that an agent that
 * ended before it learns that from the files, and does not run it a second time at once.
 */
export class UpdateScript {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #since: number;

  /** @param since When this run of the agent began, in milliseconds since 1970 by the system's clock; default: after every script. */
  constructor({ directory, clock, since }: { directory: string; clock: Clock; since?: number }) {
    this.#directory = directory;
    this.#clock = clock;
    this.#since = since ?? Number.POSITIVE_INFINITY;
  }

  /** Forgets an earlier run, durably: how it ended is not to be taken for the end of the next. */
  async clear(): Promise<void> {
    for (const name of ['pid', 'out', 'err', 'code.new', 'code']) await rm(this.#file(name), { force: true });
    syncDirectory(this.#directory);
  }

  /**
   * Runs a shell line with the image as its argument; `clear` comes first, before it is written down that it may run. A signal that aborts ends the waiting, not the script: half an update
   * is worse than none.
   *
   * @param timeout milliseconds, after which it is killed with all that it began
   */
  async run(
    command: string,
    {
      image,
      version,
      timeout,
      signal,
    }: { image: string; version: string; timeout: number; signal: AbortSignal },
  ): Promise<ScriptEnd> {
    const [out, err] = [await open(this.#file('out'), 'w', 0o600), await open(this.#file('err'), 'w', 0o600)];
    try {
      const line = `echo $$ >"$2.pid"\n(${command} "$1")\ncode=$?\necho $code >"$2.code.new" && mv "$2.code.new" "$2.code"`;
      let child: ChildProcess | undefined;
      const ended = new Promise<void>((resolve, reject) => {
        child = startGroup(
          '/bin/sh',
          ['-c', line, 'sh', image, this.#base],
          { stdio: ['ignore', out.fd, err.fd], env: { ...process.env, UPDATE_VERSION: version } },
          reject,
        );
        child?.once('exit', () => resolve());
      });
      const late = await this.#within(ended, timeout, signal);
      if (late) {
        signalGroup(child, 'SIGKILL');
        return { ok: false, reason: `it did not end within ${timeout / 1000} s` };
      }
    } finally {
      await out.close();
      await err.close();
    }
    return (await this.end()) ?? { ok: false, reason: `it was killed${await this.#lastWords()}` };
  }

  /**
   * Waits while a script runs that an earlier run of the agent began, and no longer than it may; resolves whether one did since
   * this run began: what it put in place then is not what runs.
   */
  async outlast(timeout: number, signal: AbortSignal): Promise<boolean> {
    const until = this.#clock.now() + timeout;
    let ran = await this.#endedSince();
    for (let pid = await this.#running(); pid !== undefined; pid = await this.#running()) {
      ran = true;
      if (this.#clock.now() >= until) {
        signalGroup({ pid }, 'SIGKILL');
        return ran;
      }
      await sleep(this.#clock, LOOK, signal);
    }
    return ran;
  }

  /** How the last script ended; undefined when it did not come to its end. */
  async end(): Promise<ScriptEnd | undefined> {
    const code = (await readTextIfPresent(this.#file('code')))?.trim();
    if (!code) return undefined;
    if (code !== '0') return { ok: false, reason: `exit code ${code}${await this.#lastWords()}` };
    const last = (await this.#said('out')).trim().split('\n').at(-1)?.trim();
    return { ok: true, directive: last === 'exit' || last === 'restart' ? last : undefined };
  }

  /** True when `promise` was not settled in time. */
  async #within(promise: Promise<void>, timeout: number, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const wait = sleep(this.#clock, timeout, AbortSignal.any([signal, over.signal])).then(() => true);
    try {
      return await Promise.race([promise.then(() => false), wait]);
    } finally {
      over.abort();
      wait.catch(() => undefined);
    }
  }

  async #endedSince(): Promise<boolean> {
    const { mtimeMs } = await stat(this.#file('code')).catch(() => ({ mtimeMs: Number.NEGATIVE_INFINITY }));
    return mtimeMs >= this.#since;
  }

  /** Process ID, and group, of the script that runs. */
  async #running(): Promise<number | undefined> {
    const pid = Number(await readTextIfPresent(this.#file('pid')));
    if (!Number.isInteger(pid) || pid <= 1 || (await readTextIfPresent(this.#file('code')))) return undefined;
    try {
      process.kill(pid, 0);
    } catch {
      return undefined;
    }
    // Another process may have the number by now; where the system tells, its arguments are looked at.
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
    return line === undefined || line.includes(this.#base) ? pid : undefined;
  }

  async #lastWords(): Promise<string> {
    const words = (await this.#said('err')).trim().split('\n').at(-1)?.trim();
    return words ? `: ${words.slice(0, 300)}` : '';
  }

  async #said(name: 'out' | 'err'): Promise<string> {
    const handle = await open(this.#file(name)).catch(() => undefined);
    if (!handle) return '';
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL), 0, TAIL, Math.max(0, size - TAIL));
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  get #base(): string {
    return join(this.#directory, 'script');
  }

  #file(name: string): string {
    return `${this.#base}.${name}`;
  }
}
