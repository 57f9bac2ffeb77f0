import { defineConfig } from 'vitest/config';

/** End to end: built programs, real sockets, two files at a time, which is what two cores bear. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['e2e/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A password alone takes a third of a second to be hashed, where nothing else runs.
    expect: { poll: { timeout: 15_000 } },
  },
});
