import { afterEach, beforeEach, expect, it } from 'vitest';
import { DataPlaneWorld } from '../data-plane/data-plane.fixture.ts';
import { storeError } from '../ports/item-store.ts';

let plane: DataPlaneWorld;
beforeEach(async () => {
  plane = await DataPlaneWorld.create();
});
afterEach(() => plane[Symbol.asyncDispose]());

it('a report that the disk refuses is answered with a service that is not available, which is to be tried again', async () => {
  const { world } = plane;
  const accountId = await world.account();
  const { id } = await world.ownedDevice(accountId);
  const keys = await plane.device(accountId, id);
  const report = () =>
    plane.ask(keys, 'POST', `/things/${id}/jobs/j`, '{"status":"FAILED"}', {}, 'iot-jobs-data');
  expect(await report()).toMatchObject({ status: 404, type: 'ResourceNotFoundException' });
  world.store.update = async () => {
    throw storeError('STORE_UNWRITABLE', 'no space left on /var/lib');
  };
  const answer = await report();
  expect(answer).toMatchObject({ status: 503, type: 'ServiceUnavailableException' });
  expect(JSON.stringify(answer)).not.toContain('/var/lib');
});

it('a viewer is told that its role does not suffice, and nothing of the things of others', async () => {
  const { world } = plane;
  const accountId = await world.account();
  const { id } = await world.ownedDevice(accountId);
  const { id: strangers } = await world.ownedDevice(await world.account('Other'));
  const keys = await plane.tool(accountId, 'viewer');
  const ask = (thing: string) => plane.ask(keys, 'GET', `/things/${thing}/jobs`, '', {}, 'iot-jobs-data');
  const refused = (words: RegExp) => ({
    ...{ status: 403, type: 'ForbiddenException' },
    body: { message: expect.stringMatching(words) },
  });
  expect(await ask(id)).toMatchObject(refused(/the role viewer does not suffice/));
  expect(await ask(strangers)).toMatchObject(refused(/no thing of the caller/));
});
