import { silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { LmdbItemStore } from './lmdb-item-store.ts';

/** A real store in a directory that goes away with the scope. */
export async function tempStore(): Promise<{ store: LmdbItemStore } & AsyncDisposable> {
  const directory = await TempDirectory.create();
  const store = new LmdbItemStore({ directory: directory.at('items'), logger: silentLogger });
  await store.start();
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}
