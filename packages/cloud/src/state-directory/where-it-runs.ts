import { type Component, readTextIfPresent, removeFileDurably, writeFileDurably } from '@ioto/runtime';

/** Where a running cloud is to be reached from its own machine. */
export interface RunningAt {
  /** Base of the API as everybody names it. */
  api: string;
  /** Name in the server's certificate. */
  servername: string;
  /** Address to connect to. */
  host: string;
  port: number;
  pid: number;
}

/** Leaves word in the state directory of where the running cloud listens, for the command line to find it. */
export class WhereItRuns implements Component {
  readonly name = 'where it runs';
  readonly #file: string;
  readonly #facts: () => RunningAt;

  constructor(options: { file: string; facts: () => RunningAt }) {
    this.#file = options.file;
    this.#facts = options.facts;
  }

  async start(): Promise<void> {
    await writeFileDurably(this.#file, `${JSON.stringify(this.#facts(), undefined, 2)}\n`);
  }

  async stop(): Promise<void> {
    await removeFileDurably(this.#file);
  }
}

/** Undefined when no cloud runs on that state directory, or when it was cut off and left nothing to read. */
export async function readWhereItRuns(file: string): Promise<RunningAt | undefined> {
  const text = await readTextIfPresent(file);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as RunningAt);
  } catch {
    return undefined;
  }
}
