import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileBlobStore } from './file-blob-store.ts';

let directory: TempDirectory;
let blobs: FileBlobStore;
beforeEach(async () => {
  directory = await TempDirectory.create();
  blobs = new FileBlobStore({ directory: directory.at('blobs'), clock: systemClock });
  await blobs.start();
});
afterEach(() => directory[Symbol.asyncDispose]());

const sha256 = createHash('sha256').update('hello world').digest('hex');

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe('a blob', () => {
  it('is kept as it came, and read whole or in part', async () => {
    const { id, ...facts } = await blobs.put(pieces('hello ', 'world'), {
      size: 11,
      sha256: sha256.toUpperCase(),
    });
    expect(facts).toEqual({ size: 11, sha256 });
    expect(await blobs.sizeOf(id)).toBe(11);
    expect(String(await buffer(await blobs.read(id)))).toBe('hello world');
    expect(String(await buffer(await blobs.read(id, { first: 6, last: 8 })))).toBe('wor');
    expect(await blobs.list()).toEqual([id]);
    await blobs.remove(id);
    await blobs.remove(id);
    expect(await blobs.sizeOf(id)).toBeUndefined();
    await expect(blobs.read(id)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  it.each([
    ['shorter than said', { size: 12 }, 'BLOB_SIZE'],
    ['longer than said', { size: 10 }, 'BLOB_SIZE'],
    ['of another hash', { sha256: '0'.repeat(64) }, 'BLOB_CHECKSUM'],
  ])('that is %s is refused, and nothing of it is left', async (_what, expected, code) => {
    await expect(blobs.put(pieces('hello ', 'world'), expected)).rejects.toMatchObject({ code });
    expect(await readdir(directory.at('blobs'))).toEqual([]);
  });

  it('whose source breaks off is not there', async () => {
    async function* broken() {
      yield Buffer.from('hello');
      throw new Error('gone');
    }
    await expect(blobs.put(broken())).rejects.toThrow('gone');
    expect(await readdir(directory.at('blobs'))).toEqual([]);
  });

  it('that the end of the program cut off is cleared away, and no other file is taken for one', async () => {
    const { id } = await blobs.put(pieces('whole'));
    await writeFile(directory.at('blobs', `${id}.part`), 'half');
    await writeFile(directory.at('secret'), 'secret');
    await blobs.start();
    expect(await readdir(directory.at('blobs'))).toEqual([id]);
    expect(await blobs.sizeOf('../secret')).toBeUndefined();
    await expect(blobs.read('../secret')).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });
});
