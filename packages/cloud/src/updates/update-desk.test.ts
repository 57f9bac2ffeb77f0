import { createHash } from 'node:crypto';
import { systemClock } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog } from '../audit/audit-log.ts';
import { FileBlobStore } from '../platform/embedded/file-blob-store.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { MOST_UPDATES, UpdateDesk } from './update-desk.ts';
import { updateKey } from './update-record.ts';
import { Uploads } from './uploads.ts';

let directory: TempDirectory;
let temp: Awaited<ReturnType<typeof tempStore>>;
let blobs: FileBlobStore;
let uploads: Uploads;
let desk: UpdateDesk;
beforeEach(async () => {
  directory = await TempDirectory.create();
  temp = await tempStore();
  const { store } = temp;
  const clock = systemClock;
  blobs = new FileBlobStore({ directory: directory.at('blobs'), clock });
  uploads = new Uploads({ directory: directory.at('uploads'), clock });
  desk = new UpdateDesk({ store, blobs, uploads, audit: new AuditLog({ store, clock }), clock });
  await blobs.start();
  await uploads.start();
});
afterEach(async () => {
  await temp[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const image = Buffer.from('image');

async function publish(version: string) {
  const upload = await uploads.begin();
  await uploads.append(upload, 0, image);
  const sha256 = createHash('sha256').update(image).digest('hex');
  return desk.publish({ product: 'P', version, upload, size: image.length, sha256 }, 'admin');
}

describe('the desk of updates', () => {
  it('clears away the image of a publishing that the end of the program cut short, and no other', async () => {
    const { blob } = await publish('1.0.0');
    async function* orphan() {
      yield image;
    }
    await blobs.put(orphan());
    await desk.sweep();
    expect(await blobs.list()).toEqual([blob]);
  });

  it('holds so many updates of a product as can be looked at when a device checks in', async () => {
    const versions = Array.from({ length: MOST_UPDATES }, (_, count) => `0.0.${count}`);
    await temp.store.write(versions.map((version) => ({ put: { ...updateKey('P', version), version } })));
    await expect(publish('1.0.0')).rejects.toMatchObject({ code: 'UPDATE_LIMIT', status: 409 });
    expect(await blobs.list()).toEqual([]);
    await desk.remove({ product: 'P', version: '0.0.0' }, 'admin');
    expect(await publish('1.0.0')).toMatchObject({ version: '1.0.0', policy: '', enabled: true });
  });

  it('makes one of two that publish the same version at once', async () => {
    const both = await Promise.allSettled([publish('1.0.0'), publish('1.0.0')]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await blobs.list()).toHaveLength(1);
  });
});
