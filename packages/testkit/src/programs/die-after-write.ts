import { fileURLToPath } from 'node:url';

/**
 * Node options and environment with which a program is killed, as by `kill -9`, at once after it has durably put a file
 * whose name ends in `name` in place for the `count`th time. The program itself knows nothing of it.
 */
export function dyingAfterWrite(name: string, count = 1) {
  return {
    nodeOptions: ['--import', fileURLToPath(new URL('../../preload/die-after-write.mjs', import.meta.url))],
    env: { DIE_AFTER_WRITING: name, DIE_AT_COUNT: String(count) },
  };
}
