import { defineConfig } from 'vitest/config';

/** Unit scenarios: real code in a fake world. They read the sources, so they need no build. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/mqtt/conformance/**/*.test.ts',
      'examples/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    pool: 'threads',
    // Nothing here replaces a module, so the files of a thread may share them: reading them anew took a third of the time.
    isolate: false,
    // Much of the time is waiting for disks and hashes: one thread for each core, the first of two not kept free.
    maxWorkers: '100%',
    testTimeout: 15_000,
  },
});
