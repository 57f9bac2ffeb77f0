import { systemClock } from '@ioto/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AuditLog } from '../audit/audit-log.ts';
import type { Ownership } from '../devices/device-records.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { CheckIns } from './check-in.ts';
import type { UpdateRecord } from './update-record.ts';

let temp: Awaited<ReturnType<typeof tempStore>>;
let checkIns: CheckIns;
beforeEach(async () => {
  temp = await tempStore();
  const { store } = temp;
  const facts = { version: '2.0.0', policy: '', enabled: true, blob: 'B', size: 1, sha256: '' };
  const ofProduct = async (product: string) => [{ ...facts, product } as UpdateRecord];
  checkIns = new CheckIns({
    ...{ desk: { ofProduct }, store, audit: new AuditLog({ store, clock: systemClock }) },
    ...{ secret: async () => Buffer.alloc(32), place: () => ({ api: 'https://cloud/api' }) },
    clock: systemClock,
  });
});
afterEach(() => temp[Symbol.asyncDispose]());

const check = { id: 'D', product: 'SECRET', version: '1.0.0', iotoVersion: '3.0.0' };
const ownership: Ownership = {
  ...{ deviceId: 'D', accountId: 'A', generation: 1, state: 'claimed' },
  changed: '2026-01-01T00:00:00.000Z',
};

it('a device gets the software of the product that it registered with, whatever it names', async () => {
  const answer = await checkIns.answer({ ...ownership, product: 'LAMP' }, check);
  expect(answer?.url).toContain('/update/image/LAMP/2.0.0?');
});

it('a device of which no product is known gets no software, whatever it names', async () => {
  expect(await checkIns.answer(ownership, check)).toBeUndefined();
});
