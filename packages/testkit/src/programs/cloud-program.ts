import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiAnswer, type ApiCall, callApi } from '../api-call.ts';
import { until } from '../until.ts';
import { freePort } from './free-port.ts';
import { type Finished, Program, runProgram } from './program.ts';

export interface CloudProgramOptions {
  /** The state directory. */
  state: string;
  port?: number;
  /** Further arguments of `ioto-cloud start`. */
  args?: string[];
}

/** `ioto-cloud start` in a process of its own, with its command line beside it. Killed when its scope ends. */
export class CloudProgram {
  readonly state: string;
  readonly port: number;
  readonly program: Program;
  /** PEM of the authority that clients must trust. */
  readonly authority: string;

  private constructor(state: string, port: number, program: Program, authority: string) {
    this.state = state;
    this.port = port;
    this.program = program;
    this.authority = authority;
  }

  /** Resolves when it answers /healthz. */
  static async start({ state, port: wanted, args = [] }: CloudProgramOptions): Promise<CloudProgram> {
    const port = wanted ?? (await freePort());
    const listen = `127.0.0.1:${port}`;
    const program = Program.spawn('ioto-cloud', ['start', '--state', state, '--listen', listen, ...args]);
    try {
      const authority = await until('the cloud to be healthy', async () => {
        if (program.exit) return 'ended';
        const pem = await readFile(join(state, 'ca.crt'), 'utf8');
        const url = `https://localhost:${port}/healthz`;
        const { status } = await callApi({ url, method: 'GET', authority: pem });
        return status === 200 && pem;
      });
      if (authority === 'ended') throw new Error(`it ended. ${program.said}`);
      return new CloudProgram(state, port, program, authority);
    } catch (error) {
      await program.kill();
      throw new Error(`the cloud did not start. ${program.said}`, { cause: error });
    }
  }

  /** `https://localhost:PORT` */
  get origin(): string {
    return `https://localhost:${this.port}`;
  }

  /** Base of the API, which is also the builder's. */
  get api(): string {
    return `${this.origin}/api`;
  }

  /** Path of the authority's file. */
  get authorityFile(): string {
    return join(this.state, 'ca.crt');
  }

  call(path: string, more: Omit<ApiCall, 'url'> = {}): Promise<ApiAnswer> {
    return callApi({ url: `${this.api}${path}`, authority: this.authority, ...more });
  }

  /** Runs `ioto-cloud ARGS --state STATE` against this one. */
  run(args: readonly string[], stdin?: string): Promise<Finished> {
    return runProgram('ioto-cloud', [...args, '--state', this.state], stdin === undefined ? {} : { stdin });
  }

  /** Like `run`, and resolves the bare standard output. @throws unless it exits with 0. */
  async id(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, stdin);
    if (code !== 0) throw new Error(`ioto-cloud ${args.join(' ')} exited with ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Like `id` with `--json`, parsed. */
  async json(args: readonly string[], stdin?: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.id([...args, '--json'], stdin));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.kill();
  }
}
