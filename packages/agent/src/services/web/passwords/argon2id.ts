import * as crypto from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import type { Clock } from '@ioto/runtime';
import { webError } from '../errors.ts';
import type { Cost } from './phc.ts';

/** One hash to be made; `cost.memory` is in KiB. */
export interface Argon2Job {
  password: string;
  salt: Buffer;
  cost: Cost;
  /** Bytes of the hash. */
  length: number;
}

export type Argon2 = (job: Argon2Job) => Promise<Buffer>;

/** Hashes that may wait for the one that is made: each costs memory and a third of a second, and strangers choose when. */
const MOST_WAITING = 4;
/** Milliseconds that the thread stays after its last hash. */
const LINGERS = 5000;
const RETRY_AFTER = 2000;

/** Node's own, since 24.7. */
type NodeArgon2 = (
  algorithm: 'argon2id',
  parameters: Record<string, unknown>,
  done: (error: Error | null, hash: Buffer) => void,
) => void;

/**
 * Argon2id (RFC 9106) beside the event loop, one hash at a time: Node's own where it has it, else WebAssembly in a thread that
 * goes, with its memory, some seconds after the last hash.
 */
export class Argon2id {
  readonly #make: Argon2;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock, make: Argon2 = nodeArgon2() ?? inThread(clock)) {
    this.#make = make;
  }

  /** @throws WEB_BUSY when too many wait already. */
  hash(job: Argon2Job): Promise<Buffer> {
    if (this.#waiting > MOST_WAITING) {
      return Promise.reject(
        webError('WEB_BUSY', 'too many sign in at once: try again', { retryAfter: RETRY_AFTER }),
      );
    }
    this.#waiting += 1;
    const made = this.#last.then(() => this.#make(job));
    this.#last = made.then(
      () => {
        this.#waiting -= 1;
      },
      () => {
        this.#waiting -= 1;
      },
    );
    return made;
  }
}

function nodeArgon2(): Argon2 | undefined {
  const { argon2 } = crypto as unknown as { argon2?: NodeArgon2 };
  if (!argon2) return undefined;
  return ({ password, salt, cost, length }) =>
    new Promise((resolve, reject) => {
      const { memory, passes, parallelism } = cost;
      const message = Buffer.from(password);
      const parameters = { message, nonce: salt, memory, passes, parallelism, tagLength: length };
      argon2('argon2id', parameters, (error, hash) => (error ? reject(error) : resolve(hash)));
    });
}

/** What the thread runs: the library, given no more than it needs, and its answers. */
const threadCode = (source: string) => `
const { parentPort } = require('node:worker_threads');
const library = {};
(function (exports, module) {${source}
})(library, {});
parentPort.on('message', (job) => {
  library.argon2id({ ...job, outputType: 'binary' }).then(
    (hash) => parentPort.postMessage({ hash }),
    (error) => parentPort.postMessage({ problem: String(error && error.message) }),
  );
});`;

/** A thread that is started for the first hash and ends after the last. */
function inThread(clock: Clock): Argon2 {
  let thread: Worker | undefined;
  let rests: (() => void) | undefined;
  const start = async (): Promise<Worker> => {
    const [{ Worker }, { argon2Source }] = await Promise.all([
      import('node:worker_threads'),
      import('./argon2-source.ts'),
    ]);
    const started = new Worker(threadCode(argon2Source()), {
      ...{ eval: true, env: {}, execArgv: [], name: 'argon2id' },
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    started.unref();
    started
      .on('error', () => undefined)
      .on('exit', () => {
        if (thread === started) thread = undefined;
      });
    return started;
  };
  return async ({ password, salt, cost, length }) => {
    rests?.();
    const worker = thread ?? (await start());
    thread = worker;
    try {
      return await answerOf(worker, {
        password: Buffer.from(password),
        ...{ salt, hashLength: length },
        ...{ memorySize: cost.memory, iterations: cost.passes, parallelism: cost.parallelism },
      });
    } catch (error) {
      thread = undefined;
      void worker.terminate();
      throw error;
    } finally {
      rests = clock.after(LINGERS, () => void worker.terminate(), { unref: true });
    }
  };
}

function answerOf(worker: Worker, job: Record<string, unknown>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settled = () => {
      worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
      worker.unref();
    };
    const onMessage = ({ hash, problem }: { hash?: Uint8Array; problem?: string }) => {
      settled();
      if (hash) resolve(Buffer.from(hash));
      else reject(new Error(`argon2id: ${problem}`));
    };
    const onEnd = (why: unknown) => {
      settled();
      reject(why instanceof Error ? why : new Error('argon2id: the thread has ended'));
    };
    worker.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
    // A program that waits for a hash does not end before it has it.
    worker.ref();
    worker.postMessage(job);
  });
}
