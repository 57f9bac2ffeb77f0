import { messageOf } from '@ioto/runtime';
import { checkCodec, codecInput } from './codec-target.ts';
import { PacketSource } from './packet-source.ts';
import { Random, seedOfRun } from './random.ts';
import { decodeScript, encodeScript } from './script.ts';
import { checkServer, serverScript } from './server-target.ts';
import { shrinkList, shrinkScript } from './shrink.ts';

export type Target = 'codec' | 'server';

/** One input, as bytes that say themselves what they are for: a letter, then the input. */
export type Reproduction = Buffer;

const LETTER = { 4: 0x34, 5: 0x35, server: 0x53 } as const;
/** Runs over the codec for each over the server, which takes as much longer. */
const CODEC_RUNS = 20;

export interface Failure {
  message: string;
  stack: string | undefined;
  /** To be given to `replay`, and as small as it could be made. */
  reproduction: Reproduction;
}

/** Endlessly many runs that a seed decides. */
export class Campaign {
  readonly runs: Record<Target, number> = { codec: 0, server: 0 };
  readonly #seed: number;
  readonly #source: PacketSource;
  readonly #targets: readonly Target[];

  constructor(seed: number, targets: readonly Target[]) {
    this.#seed = seed;
    this.#source = new PacketSource(seed);
    this.#targets = targets;
  }

  get total(): number {
    return this.runs.codec + this.runs.server;
  }

  /** The next run; resolves with what went wrong, made small. */
  async next(): Promise<Failure | undefined> {
    const random = new Random(seedOfRun(this.#seed, this.total));
    const target = this.#targets.length === 1 || this.total % CODEC_RUNS ? this.#targets[0] : 'server';
    if (target === 'server') {
      this.runs.server += 1;
      const steps = serverScript(this.#source, random);
      return this.#judge(Buffer.concat([Buffer.from([LETTER.server]), encodeScript(steps)]));
    }
    this.runs.codec += 1;
    const level = random.pick([4, 5] as const);
    return this.#judge(
      Buffer.concat([Buffer.from([LETTER[level]]), codecInput(this.#source, random, level)]),
    );
  }

  async #judge(input: Reproduction): Promise<Failure | undefined> {
    const error = await replay(input);
    if (error === undefined) return undefined;
    const reproduction = await shrink(input, messageOf(error));
    const stack = error instanceof Error ? error.stack : undefined;
    return { message: messageOf(error), stack, reproduction };
  }
}

/** Runs one input again. Resolves with what was thrown, by the run or behind its back, or with undefined. */
export async function replay(input: Reproduction): Promise<unknown> {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  try {
    const rest = input.subarray(1);
    if (input[0] === LETTER.server) await checkServer(decodeScript(rest));
    else checkCodec(rest, input[0] === LETTER[5] ? 5 : 4);
  } catch (error) {
    return error ?? new Error('nothing was thrown');
  } finally {
    process.off('uncaughtException', note).off('unhandledRejection', note);
  }
  return uncaught[0];
}

async function shrink(input: Reproduction, message: string): Promise<Reproduction> {
  const letter = input.subarray(0, 1);
  const fails = async (rest: Buffer) => {
    const error = await replay(Buffer.concat([letter, rest]));
    return error !== undefined && messageOf(error) === message;
  };
  const rest = input.subarray(1);
  if (input[0] !== LETTER.server) {
    const bytes = await shrinkList([...rest], (fewer) => fails(Buffer.from(fewer)));
    return Buffer.concat([letter, Buffer.from(bytes)]);
  }
  const steps = await shrinkScript(decodeScript(rest), (fewer) => fails(encodeScript(fewer)));
  return Buffer.concat([letter, encodeScript(steps)]);
}
