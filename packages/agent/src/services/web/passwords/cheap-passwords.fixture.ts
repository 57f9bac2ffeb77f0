import { createRequire } from 'node:module';
import { type Argon2, Argon2id } from './argon2id.ts';
import { Passwords } from './password.ts';

const { argon2id } = createRequire(import.meta.url)('hash-wasm/dist/argon2.umd.min.js');

/** The real hash, without a thread. */
export const argon2InPlace: Argon2 = async ({ password, salt, cost, length }) =>
  Buffer.from(
    await argon2id({
      ...{ password, salt, hashLength: length, outputType: 'binary' },
      ...{ memorySize: cost.memory, iterations: cost.passes, parallelism: cost.parallelism },
    }),
  );

/** At a cost that tests can afford. */
export function cheapPasswords(make: Argon2 = argon2InPlace): Passwords {
  return new Passwords(new Argon2id(make), { memory: 8, passes: 1, parallelism: 1 });
}
