import { signedHeadersOf } from '@ioto/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceRecords } from '../devices/device-records.ts';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { PolicyDesk } from '../policies/policy-desk.ts';
import type { CredentialBearer } from '../ports/credential-issuer.ts';
import { AwsAuthorization } from './aws-caller.ts';

let world: DeviceWorld;
let authorizer: AwsAuthorization;
let accountId: string;
let deviceId: string;
beforeEach(async () => {
  world = await DeviceWorld.create();
  const { clock, credentials, devices } = world;
  authorizer = new AwsAuthorization({
    ...{ clock, credentials, region: () => 'here' },
    gate: () => devices.gate,
    tools: () => devices.tools,
  });
  accountId = await world.account();
  deviceId = (await world.ownedDevice(accountId)).id;
});
afterEach(() => world[Symbol.asyncDispose]());

/** Whoever signs a request with credentials for so many seconds, let in. */
async function caller(bearer: CredentialBearer, seconds = 3600) {
  const keys = await world.credentials.issue(bearer, seconds);
  const request = { method: 'GET', url: new URL('https://cloud/'), body: '', headers: {} };
  const place = { service: 'logs', region: 'here', now: world.clock.now() };
  const signed = signedHeadersOf({ ...request, ...place }, keys);
  const rawHeaders = Object.entries({ host: 'cloud', ...signed }).flat();
  const raw = { method: 'GET', url: '/', rawHeaders, socket: {} };
  return authorizer.authorize({ raw, ip: '192.0.2.1' } as never, ['logs']);
}
const device = () => caller({ kind: 'device', deviceId, accountId, generation: 1 });

describe('a caller whose answer goes on', () => {
  it('is welcome as long as nothing of that has changed which let it in', async () => {
    const both = [await device(), await caller({ ...tool, accountId })];
    for (const one of both) expect(await authorizer.objectionTo(one)).toBeUndefined();
  });

  it('has to go when a policy denies it to connect, as its next request would have to', async () => {
    const { store, audit, clock } = world;
    const records = new DeviceRecords(store);
    const desk = new PolicyDesk({ records, store, audit, clock, region: () => 'here' });
    const scope = { accountId, actor: 'user:U' };
    const Statement = { Effect: 'Deny', Action: 'iot:Connect', Resource: '*' };
    await desk.create(scope, { name: 'out', document: { Version: '2012-10-17', Statement } });
    const one = await device();
    await desk.attach(scope, 'out', { device: deviceId });
    expect(await authorizer.objectionTo(one)).toContain('iot:Connect');
    await expect(device()).rejects.toThrow('iot:Connect');
    await desk.detach(scope, 'out', { device: deviceId });
    expect(await authorizer.objectionTo(one)).toBeUndefined();
  });

  it('has to go when its device was released, also when the same account has claimed it again', async () => {
    const one = await device();
    await world.devices.releases.release({ deviceId, accountId, actor: 'user:U' });
    expect(await authorizer.objectionTo(one)).toContain('not claimed');
    await world.register(deviceId);
    await world.claim(deviceId, accountId);
    expect(await authorizer.objectionTo(one)).toContain('earlier ownership');
  });

  it('has to go with its credential', async () => {
    const one = await caller({ ...tool, accountId }, 900);
    await world.clock.advance(900_000);
    expect(await authorizer.objectionTo(one)).toContain('expired');
  });
});

const tool = { kind: 'tool', role: 'viewer', sponsor: { by: 'admin' } } as const;
