import type { Component } from '@ioto/runtime';
import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { softwareKey, softwareOf } from '../devices/device-software.ts';
import { FileBlobStore } from '../platform/embedded/file-blob-store.ts';
import { CheckIns } from './check-in.ts';
import { checkInRoute } from './check-in-route.ts';
import { imageDownload } from './image-download.ts';
import { UpdateDesk } from './update-desk.ts';
import { updateRoutes } from './update-routes.ts';
import { Uploads } from './uploads.ts';

/** Software for devices: kept, handed out by policy, and what became of it. */
export function buildUpdates(parts: AwsServiceParts): AwsService {
  const { store, audit, guards, secrets, place, provisioning, clock } = parts;
  const blobs = new FileBlobStore({ directory: parts.file('blobs'), clock });
  const uploads = new Uploads({ directory: parts.file('uploads'), clock });
  const desk = new UpdateDesk({ store, blobs, uploads, audit, clock });
  const secret = () => secrets.secret('update-url');
  const checkIns = new CheckIns({ desk, store, audit, secret, place, clock });
  const sweep: Component = {
    name: 'updates',
    start: () => desk.sweep(),
    stop: async () => undefined,
  };
  return {
    components: [blobs, uploads, sweep],
    api: [
      (app) => checkInRoute(app, { provisioning, checkIns }),
      (app) => updateRoutes(app, { desk, uploads, guards }),
      (app) => imageDownload(app, { desk, blobs, secret, now: () => clock.now() }),
    ],
    async leaving(accountId, deviceId) {
      const key = softwareKey(deviceId);
      await store.update([key], ([item]) => (softwareOf(item, accountId) ? [{ remove: key }] : []));
    },
  };
}
