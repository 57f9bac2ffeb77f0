import * as crypto from 'node:crypto';
import type { Worker } from 'node:worker_threads';
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
const RETRY_AFTER = 2000;

/** Node's own, since 24.7. */
type NodeArgon2 = (
  algorithm: 'argon2id',
  parameters: Record<string, unknown>,
  done: (error: Error | null, hash: Buffer) => void,
) => void;

/**
 * Argon2id (RFC 9106) beside the event loop, one hash at a time: Node's own where it has it, else WebAssembly in a
 * thread.
 */
export class Argon2id {
  readonly #make: Argon2;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(make: Argon2 = nodeArgon2() ?? inThread) {
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
const { parentPort, workerData } = require('node:worker_threads');
const library = {};
(function (exports, module) {${source}
})(library, {});
library.argon2id({ ...workerData, outputType: 'binary' }).then(
  (hash) => parentPort.postMessage({ hash }),
  (error) => parentPort.postMessage({ problem: String(error && error.message) }),
);`;

/** A thread for one hash: it takes a tenth of a second to start, and its memory goes with it at once. */
const inThread: Argon2 = async ({ password, salt, cost, length }) => {
  const [{ Worker }, { argon2Source }] = await Promise.all([
    import('node:worker_threads'),
    import('./argon2-source.ts'),
  ]);
  const thread = new Worker(threadCode(argon2Source()), {
    ...{ eval: true, env: {}, execArgv: [], name: 'argon2id' },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    workerData: {
      password: Buffer.from(password),
      ...{ salt, hashLength: length },
      ...{ memorySize: cost.memory, iterations: cost.passes, parallelism: cost.parallelism },
    },
  });
  try {
    return await answerOf(thread);
  } finally {
    await thread.terminate();
  }
};

function answerOf(thread: Worker): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    thread.once('message', ({ hash, problem }: { hash?: Uint8Array; problem?: string }) => {
      if (hash) resolve(Buffer.from(hash));
      else reject(new Error(`argon2id: ${problem}`));
    });
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('argon2id: the thread has ended')));
  });
}
