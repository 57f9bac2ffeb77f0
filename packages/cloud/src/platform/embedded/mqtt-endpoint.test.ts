import { MemorySessionStore } from '@ioto/mqtt';
import { silentLogger } from '@ioto/runtime';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { connectPacket } from '@ioto/testkit/old-agent/packets';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import type { CredentialBearer } from '../../ports/credential-issuer.ts';
import type { ToolGate } from '../../ports/device-endpoint.ts';
import { MqttEndpoint } from './mqtt-endpoint.ts';
import { welcomingGate, welcomingTools } from './welcoming-gates.fixture.ts';

const DEVICE = 'JT08FFQXWQ';
const tool = (accountId: string): CredentialBearer => ({
  ...{ kind: 'tool', accountId, role: 'viewer', sponsor: { by: 'admin' } },
});
const device = (deviceId: string): CredentialBearer => ({
  ...{ kind: 'device', deviceId, accountId: 'A', generation: 1 },
});

/** Tools hear their account's own topics. */
const tools: ToolGate = {
  ...welcomingTools,
  receivesOf: (accountId) => (topic) => topic.startsWith(`app/${accountId}/`),
};

async function start(sessions = new MemorySessionStore()) {
  const clock = new VirtualClock();
  const options = { gate: () => welcomingGate, tools: () => tools, sessions, clock, logger: silentLogger };
  const endpoint = new MqttEndpoint(options);
  await endpoint.start();
  /** What a client is sent at its CONNECT. */
  const connect = async (bearer: CredentialBearer, clientId: string) => {
    const [near, far] = memoryConnection();
    const chunks: Buffer[] = [];
    near.on('data', (bytes: Buffer) => chunks.push(bytes)).on('error', () => undefined);
    const credential = { bearer, expires: clock.now() + 900_000 };
    endpoint.accept(far, { remoteAddress: '192.0.2.1', credential });
    near.write(connectPacket(clientId));
    await settle(12);
    return Buffer.concat(chunks);
  };
  return { endpoint, connect };
}

it('the tools of an account have 100 sessions, whatever they call themselves; its devices and others have theirs', async () => {
  const { endpoint, connect } = await start();
  const answer = async (bearer: CredentialBearer, id: string) =>
    (await connect(bearer, id)).subarray(0, 4).toString('hex');
  for (let n = 0; n < 100; n += 1) expect(await answer(tool('A'), `tool-${n}`)).toBe('20020000');
  expect(await answer(tool('A'), 'tool-100')).toBe('20020003');
  expect(await answer(tool('B'), 'tool-100')).toBe('20020000');
  for (let n = 0; n < 101; n += 1) expect(await answer(device(`DEVICE${n}`), `DEVICE${n}`)).toBe('20020000');
  expect(endpoint.counters?.violations).toEqual({ maxSessionsOfOwner: 1 });
  await endpoint.stop();
});

it('after a restart nobody of another account takes messages away by a shared subscription of the same name', async () => {
  const store = new MemorySessionStore();
  const subscription = { filter: '$share/all/app/#', topicFilter: 'app/#', share: 'all' };
  const owners = { 'tool B worker': 'tool B', [DEVICE]: 'device B 1', 'tool A worker': 'tool A' };
  for (const [clientId, owner] of Object.entries(owners)) {
    await store.commit([
      { type: 'session', clientId, owner, expiry: 3_600_000 },
      {
        ...{ type: 'subscribed', clientId },
        subscription: { ...subscription, qos: 1, noLocal: false, retainAsPublished: false },
      },
    ]);
  }
  const { endpoint, connect } = await start(store);
  for (let n = 0; n < 6; n += 1) endpoint.publish('app/A/job', `job ${n}.`);
  const text = String(await connect(tool('A'), 'worker'));
  expect(text.match(/job \d\./g)).toEqual([0, 1, 2, 3, 4, 5].map((n) => `job ${n}.`));
  await endpoint.stop();
});
