import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { lifeOf, OldAgent, type OldAgentMemory, pollDelay } from './index.ts';
import { httpAnswer, TinyCloud } from './tiny-cloud.ts';

const ID = 'JT08FFQXWQ';
const DEVICE = { id: ID, product: '01H4PRODUCT', name: 'Demo', description: 'd', model: 'm' };

let cloud: TinyCloud;
const agents: OldAgent[] = [];

beforeEach(async () => {
  cloud = await TinyCloud.start();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.drop();
  await cloud[Symbol.asyncDispose]();
});

function agentWith(more: Partial<ConstructorParameters<typeof OldAgent>[0]> = {}): OldAgent {
  const agent = new OldAgent({
    builder: cloud.builder,
    device: DEVICE,
    authority: cloud.authority.certificate,
    seq: 16,
    answerTime: 0,
    ...more,
  });
  agents.push(agent);
  return agent;
}

async function provisionedMemory(): Promise<OldAgentMemory> {
  const { certificate, key } = await cloud.authority.issue({ commonName: ID });
  return {
    provision: {
      api: cloud.builder,
      token: 'device-token',
      accountId: 'ACCOUNT',
      certificate: certificate + cloud.authority.certificate,
      key,
      endpoint: 'localhost',
      port: cloud.mqttPort,
    },
    items: new Map(),
    pending: new Map(),
    lastSync: 0,
  };
}

/** A PUBLISH of the cloud, QoS 1. */
function publish(topic: string, payload: string, packetId = 1): Buffer {
  const variable = Buffer.concat([
    Buffer.from([0, topic.length]),
    Buffer.from(topic),
    Buffer.from([0, packetId]),
    Buffer.from(payload),
  ]);
  const length =
    variable.length < 128 ? [variable.length] : [(variable.length & 0x7f) | 0x80, variable.length >> 7];
  return Buffer.concat([Buffer.from([0x32, ...length]), variable]);
}

/** Topic and body of the PUBLISH frames that the agent sent. */
function published(): { topic: string; body: string }[] {
  return cloud.connection.frames
    .filter((frame) => frame[0] === 0x32)
    .map((frame) => {
      const at = (frame[1] ?? 0) & 0x80 ? 3 : 2;
      const end = at + 2 + frame.readUInt16BE(at);
      return { topic: frame.toString('utf8', at + 2, end), body: frame.toString('utf8', end + 2) };
    });
}

describe('over HTTP an old agent', () => {
  it('sends exactly four headers, a lower-case bearer and 1970', async () => {
    cloud.answers = [httpAnswer(200, { registered: true })];
    expect(await agentWith().register()).toBe(false);
    const body =
      '{"id":"JT08FFQXWQ","product":"01H4PRODUCT","name":"Demo","description":"d","model":"m","test":false,' +
      '"created":"1970-01-01T00:00:00.000Z"}';
    const host = new URL(cloud.builder).host;
    expect(cloud.requests).toEqual([
      `POST /api/device/register HTTP/1.1\r\nAuthorization: bearer 01H4PRODUCT\r\nContent-Type: application/json\r\n` +
        `Host: ${host}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ]);
  });

  it('offers no ALPN over TLS', async () => {
    const { certificate, key } = await cloud.authority.issue({ commonName: 'x', dnsNames: ['localhost'] });
    const offered: unknown[] = [];
    const server = createServer({ cert: certificate, key, ALPNProtocols: ['http/1.1'] }, (socket) => {
      offered.push(socket.alpnProtocol);
      socket.end(httpAnswer(200, { registered: true }));
    }).listen(0);
    await once(server, 'listening');
    await agentWith({
      builder: `https://localhost:${(server.address() as AddressInfo).port}/api`,
    }).register();
    server.close();
    expect(offered).toEqual([false]);
  });

  it('reads a chunked body', async () => {
    cloud.answers = [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{"registered":true,\r\nb\r\n"api":"x/"}\r\n0\r\n\r\n',
    ];
    expect(await agentWith().register()).toBe(true);
  });

  it.each([201, 204, 400, 429])('takes a %i for a failure, whatever its body says', async (status) => {
    cloud.answers = [httpAnswer(status, { registered: true, api: 'https://elsewhere/api' })];
    const agent = agentWith();
    await expect(agent.register()).rejects.toMatchObject({ code: 'OLD_AGENT_CALL' });
    expect(agent.memory.provision).toEqual({});
  });

  it('exits when the very first register call fails', async () => {
    cloud.answers = [httpAnswer(503, 'busy')];
    await expect(lifeOf(agentWith(), { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'OLD_AGENT_EXITED',
    });
  });

  it('asks again after 1.25, 1.5 and 1.75 s while it is unclaimed', async () => {
    cloud.answers = [httpAnswer(200, { registered: true })];
    const clock = new VirtualClock();
    const power = new AbortController();
    const agent = agentWith({ clock });
    let answered = 0;
    agent.events.on('registered', () => {
      answered += 1;
    });
    const life = lifeOf(agent, { signal: power.signal });
    for (const [index, delay] of [1250, 1500, 1750].entries()) {
      await until('an answer', () => answered === index + 1);
      await clock.advance(delay - 1);
      expect(cloud.requests).toHaveLength(index + 1);
      await clock.advance(1);
    }
    await until('the fourth', () => answered === 4);
    power.abort();
    await life;
    expect(pollDelay(3)).toBe(2000);
  });

  it('sends no CSR, and waits as long as the cloud says when it is blocked', async () => {
    cloud.answers = [httpAnswer(200, { error: 'excessive traffic', delay: 3600 })];
    const agent = agentWith({ memory: await provisionedMemory() });
    expect(await agent.provision()).toBe(3600);
    expect(cloud.requests[0]).toMatch(/bearer device-token[\s\S]*\r\n\r\n\{"id":"JT08FFQXWQ"\}$/);
  });

  it.each([
    [401, 'Authentication failed', true],
    [404, 'Cannot find device', true],
    [401, '"Authentication failed"', false],
    [404, '{"error":"Cannot find device"}', false],
    [503, 'busy', false],
  ])('asked for an update and told %i %s, forgets itself: %s', async (status, text, forgets) => {
    cloud.answers = [httpAnswer(status, text)];
    const agent = agentWith({ memory: await provisionedMemory() });
    expect(await agent.checkUpdate()).toBe(forgets);
    expect(agent.hasCertificate).toBe(!forgets);
  });
});

describe('over MQTT an old agent', () => {
  it('connects with a clean session of 0, keep-alive 1200 and nothing else', async () => {
    await agentWith({ memory: await provisionedMemory() }).connect();
    expect(cloud.connection.frames[0]).toEqual(
      Buffer.concat([
        Buffer.from([0x10, 22, 0, 4]),
        Buffer.from('MQTT'),
        Buffer.from([4, 0, 0x04, 0xb0, 0, 10]),
        Buffer.from(ID),
      ]),
    );
    expect(cloud.connection.socket.alpnProtocol).toBe('x-amzn-mqtt-ca');
  });

  it('presents only the first certificate of the PEM', async () => {
    await agentWith({ memory: await provisionedMemory() }).connect();
    const peer = cloud.connection.socket.getPeerX509Certificate();
    expect(peer?.subject).toBe(`CN=${ID}`);
  });

  it('subscribes the master filters and, before any SUBACK, sends its Device item twice', async () => {
    await agentWith({ memory: await provisionedMemory() }).connect();
    await until('all frames', () => cloud.connection.frames.length === 7);
    const types = cloud.connection.frames.map((frame) => frame[0]);
    expect(types).toEqual([0x10, 0x82, 0x82, 0x82, 0x32, 0x32, 0x32]);
    const filters = cloud.connection.frames.slice(1, 4);
    expect(filters.map((frame) => frame.toString('utf8', 6, frame.length - 1))).toEqual([
      `ioto/device/${ID}/#`,
      'ioto/account/all/#',
      'ioto/account/ACCOUNT/#',
    ]);
    expect(filters.map((frame) => frame.at(-1))).toEqual([1, 1, 1]);
    const [first, second, down] = published();
    expect(first?.topic).toBe(`$aws/rules/IotoDevice/ioto/service/${ID}/db/syncToDynamo`);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ seq: 17, changes: [{ key: `d#${ID}` }] });
    expect(JSON.parse(second?.body ?? '')).toMatchObject({ seq: 18, changes: [{ key: `d#${ID}` }] });
    expect(first?.body).not.toContain('"pk"');
    expect(down?.body).toBe('{"timestamp":"1970-01-01T00:00:00.000Z"}');
  });

  it('sends numbers as strings, a zero as e+00 and ${deviceId} as it stands', async () => {
    const agent = agentWith({ memory: await provisionedMemory() });
    await agent.connect();
    agent.set('counter', 42);
    agent.set('none', 0);
    void agent.metricSet('TEMP', 0);
    await until('the metric', () => published().length === 6);
    const [counter, none, metric] = published().slice(3);
    expect(JSON.parse(counter?.body ?? '').changes[0].item).toMatchObject({ value: '42', type: 'number' });
    expect(JSON.parse(none?.body ?? '').changes[0].item).toMatchObject({ value: 'e+00', type: 'number' });
    expect(metric?.body).toBe(
      '{"metric":"TEMP","value":e+00,"dimensions":[{"Device":"${deviceId}"}],"buffer":{"elapsed":0}}',
    );
  });

  it('forgets what a SYNC acknowledges, keeps what it does not, and sends that again after 5 s', async () => {
    const clock = new VirtualClock();
    const agent = agentWith({ memory: await provisionedMemory(), clock });
    await agent.connect();
    agent.set('a', 1);
    cloud.connection.socket.write(
      publish(`ioto/device/${ID}/sync/SYNC`, JSON.stringify({ seq: 17, keys: [`d#${ID}`], updated: '' })),
    );
    await until('the acknowledgement', async () => {
      await clock.advance(0);
      return agent.memory.pending.size === 1;
    });
    await clock.advance(5000);
    await until('the second sending', () => published().length === 5);
    expect(JSON.parse(published()[4]?.body ?? '')).toMatchObject({ seq: 20, changes: [{ key: 's#a' }] });
  });

  it('takes items with its own time and without pk, answers them, and is ready at SYNCDOWN', async () => {
    const clock = new VirtualClock();
    const agent = agentWith({ memory: await provisionedMemory(), clock });
    await agent.connect();
    const item = { _type: 'Command', pk: 'command#', sk: 'command#1', command: 'blink', updated: '2020' };
    cloud.connection.socket.write(publish(`ioto/device/${ID}/sync/UPSERT`, JSON.stringify(item), 7));
    const answered = () =>
      cloud.connection.frames.some((frame) => frame.equals(Buffer.from([0x40, 2, 0, 7])));
    await until('the PUBACK', async () => {
      await clock.advance(0);
      return answered();
    });
    const { pk: _pk, ...kept } = item;
    expect(agent.memory.items.get('command#1')).toEqual({
      ...kept,
      updated: new Date(clock.now()).toISOString(),
    });
    const ready = agent.events.next('ready');
    cloud.connection.socket.write(
      publish(`ioto/device/${ID}/sync/SYNCDOWN`, '{"updated":"2026-01-01T00:00:00.000Z"}', 8),
    );
    await until('SYNCDOWN', async () => {
      await clock.advance(0);
      return agent.memory.lastSync > 0;
    });
    expect(await ready).toEqual({ updated: '2026-01-01T00:00:00.000Z' });
  });

  it('does not answer a release, drops the connection and forgets its certificate', async () => {
    const agent = agentWith({ memory: await provisionedMemory() });
    await agent.connect();
    cloud.connection.socket.write(publish(`ioto/device/${ID}/provision/release`, String(Date.now())));
    await until('the end', () => cloud.connection.closed);
    expect(cloud.connection.frames.some((frame) => frame[0] === 0x40)).toBe(false);
    expect(agent.hasCertificate).toBe(false);
  });

  it('ignores a release older than 10 s', async () => {
    const agent = agentWith({ memory: await provisionedMemory() });
    await agent.connect();
    const message = agent.events.next('message');
    cloud.connection.socket.write(
      publish(`ioto/device/${ID}/provision/release`, String(Date.now() - 11_000)),
    );
    await message;
    expect(agent.hasCertificate).toBe(true);
  });

  it('drops the connection without DISCONNECT after a minute of silence and comes back at once', async () => {
    const clock = new VirtualClock();
    const power = new AbortController();
    const agent = agentWith({ memory: await provisionedMemory(), clock });
    const life = lifeOf(agent, { signal: power.signal });
    await until('the first connection', () => cloud.connections[0]?.frames.length === 7);
    agent.memory.pending.clear();
    await clock.advance(59_999);
    expect(cloud.connections).toHaveLength(1);
    await clock.advance(1);
    await until('the second connection', () => cloud.connections[1]?.frames.length === 5);
    expect(cloud.connections[0]?.frames.some((frame) => frame[0] === 0xe0)).toBe(false);
    power.abort();
    await life;
  });

  it('drops its certificate after a few refused connects and registers again by itself', async () => {
    cloud.answers = [httpAnswer(200, { registered: true })];
    cloud.onFrame = (_frame, { socket }) => socket.write(Buffer.from([0x20, 2, 0, 5]));
    const clock = new VirtualClock();
    const power = new AbortController();
    const agent = agentWith({ memory: await provisionedMemory(), clock });
    const life = lifeOf(agent, { signal: power.signal });
    await until('the register call', async () => {
      await clock.advance(500);
      return cloud.requests.length > 0;
    });
    expect(cloud.connections).toHaveLength(3);
    power.abort();
    await life;
  });

  describe('breaks', () => {
    async function brokenBy(send: () => void): Promise<string> {
      const agent = agentWith({ memory: await provisionedMemory(), answerTime: 20 });
      const broke = agent.events.next('broke');
      await agent.connect();
      send();
      return String((await broke).error);
    }

    it('when a packet over 4 KB arrives', async () => {
      expect(
        await brokenBy(() =>
          cloud.connection.socket.write(publish('ioto/account/all/sync/UPSERT', 'x'.repeat(4096))),
        ),
      ).toMatch(/more than 4096/);
    });

    it('when a second message arrives before it has answered the first', async () => {
      const topic = `ioto/device/${ID}/sync/UPSERT`;
      expect(
        await brokenBy(() => {
          cloud.connection.socket.write(publish(topic, '{}', 1));
          setTimeout(() => cloud.connection.socket.write(publish(topic, '{}', 2)), 5);
        }),
      ).toMatch(/before the message before it was answered/);
    });

    it('when two packets come in one write', async () => {
      expect(
        await brokenBy(() => cloud.connection.socket.write(Buffer.from([0x40, 2, 0, 4, 0x40, 2, 0, 5]))),
      ).toMatch(/one write/);
    });
  });
});
