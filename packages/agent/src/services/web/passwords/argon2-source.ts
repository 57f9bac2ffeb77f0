import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The text of the library that hashes, for a worker to run. A build has it within itself: `build-command/bundle.ts`. */
export function argon2Source(): string {
  return readFileSync(createRequire(import.meta.url).resolve('hash-wasm/dist/argon2.umd.min.js'), 'utf8');
}
