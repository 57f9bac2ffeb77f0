import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { MqttServer } from '@ioto/mqtt';
import { silentLogger, systemClock } from '@ioto/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../test-authority.ts';
import { until } from '../until.ts';
import { OldAgent } from './old-agent.ts';

const ID = 'JT08FFQXWQ';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Our server with the policy and the dialect that old agents get, and an agent that has a certificate for it. */
async function serverAndAgent(dialect: { maxInFlight?: number; writeEachPacket?: boolean }) {
  const server: MqttServer<string> = new MqttServer<string>({
    clock: systemClock,
    logger: silentLogger,
    hooks: {
      authenticate: async ({ clientId }) => ({ accept: true, principal: clientId }),
      mayPublish: () => true,
      maySubscribe: () => true,
      received: (id, { topic, payload }) => {
        if (!topic.endsWith('syncToDynamo')) return;
        const { seq, changes } = JSON.parse(payload.toString());
        const keys = changes.map((change: { key: string }) => change.key);
        void server.deliver(id, `ioto/device/${id}/sync/SYNC`, JSON.stringify({ seq, keys, updated: '' }));
      },
      dialect: () => dialect,
    },
  });
  const authority = await TestAuthority.create();
  const own = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
  const listener = createServer(
    {
      cert: own.certificate,
      key: own.key,
      ca: authority.certificate,
      requestCert: true,
      ALPNProtocols: ['x-amzn-mqtt-ca'],
    },
    (socket) => server.accept(socket, { remoteAddress: 'test' }),
  ).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  cleanups.push(
    () => listener.close(),
    () => server.stop(),
  );
  const issued = await authority.issue({ commonName: ID });
  const agent = new OldAgent({
    builder: 'http://unused/api',
    device: { id: ID, product: 'P' },
    authority: authority.certificate,
    memory: {
      provision: {
        ...issued,
        accountId: 'A',
        endpoint: 'localhost',
        port: (listener.address() as AddressInfo).port,
      },
      items: new Map(),
      pending: new Map(),
      lastSync: 0,
    },
  });
  cleanups.push(() => agent.drop());
  const broke: unknown[] = [];
  agent.events.on('broke', ({ error }) => broke.push(error));
  return { server, agent, broke };
}

const deliverMany = (server: MqttServer<string>, count: number) => {
  for (let n = 0; n < count; n += 1) {
    void server.deliver(ID, `ioto/device/${ID}/sync/UPSERT`, JSON.stringify({ _type: 'X', sk: `x#${n}` }));
  }
};

describe('an old agent on our MQTT server', () => {
  it('survives many messages in its own dialect, while it publishes itself', async () => {
    const { server, agent, broke } = await serverAndAgent({ maxInFlight: 1, writeEachPacket: true });
    await agent.connect();
    deliverMany(server, 40);
    for (let n = 0; n < 10; n += 1) agent.set(`k${n}`, n);
    await until('every item', () => agent.memory.items.size === 40 + 10 + 1);
    await until('every acknowledgement', () => agent.memory.pending.size === 0);
    expect(agent.granted).toEqual([1, 1, 1]);
    expect(broke).toEqual([]);
  });

  it('survives what waited for it while it was away', async () => {
    const { server, agent, broke } = await serverAndAgent({ maxInFlight: 1, writeEachPacket: true });
    await agent.connect();
    await until('the greeting to be over', () => agent.memory.pending.size === 0);
    agent.drop();
    await until('the server to notice', () => !server.isConnected(ID));
    deliverMany(server, 20);
    await agent.connect();
    await until('every item', () => agent.memory.items.size === 21);
    expect(broke).toEqual([]);
  });

  it('breaks without it, which shows that the replay is as fragile as the field', async () => {
    const { server, agent, broke } = await serverAndAgent({});
    await agent.connect();
    deliverMany(server, 5);
    await until('it to break', () => broke.length > 0);
  });
});
