import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until, World } from '../../../test/world.ts';
import { endOfConnack, endOfSocket } from './refusal.ts';
import { isReleaseFresh, parseThrottle } from './router.ts';

const failure = (code: string) => Object.assign(new Error(code), { code });

describe('the end of a connection', () => {
  it('is a refusal when the server alerts about the certificate', () => {
    for (const code of [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    ]) {
      expect(endOfSocket(failure(code), 'unanswered').kind).toBe('refused');
    }
  });

  it('is a refusal when CONNACK judges the device, and none when the server is unavailable', () => {
    expect([1, 2, 3, 4, 5].map((code) => endOfConnack(code).kind)).toEqual([
      'unreachable',
      'refused',
      'unreachable',
      'refused',
      'refused',
    ]);
  });

  it('is no refusal when the network fails, or when the server cannot be trusted', () => {
    expect(endOfSocket(failure('ECONNREFUSED'), 'connecting').kind).toBe('unreachable');
    expect(endOfSocket(failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'connecting').kind).toBe('unreachable');
    expect(endOfSocket(failure('ERR_TLS_CERT_ALTNAME_INVALID'), 'connecting').kind).toBe('unreachable');
    expect(endOfSocket(failure('ECONNRESET'), 'connected').kind).toBe('lost');
    expect(endOfSocket(undefined, 'unanswered').kind).toBe('unanswered');
  });
});

describe('the connection', () => {
  it('resumes its persistent session after the network failed, and loses no message', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const again = agent.next('mqtt:connected', AbortSignal.timeout(5000));
    world.cloud.cut(agent.id);
    void world.cloud.sync(agent.id, 'UPSERT', {
      _type: 'Store',
      sk: 's#queued',
      key: 'queued',
      value: 'v',
      type: 'string',
      updated: '2099-01-01T00:00:00Z',
    });
    expect((await again).sessionPresent).toBe(true);
    await until(() => agent.store.get('queued') === 'v');
  });

  it('that ends before the cloud has taken a message leaves nobody waiting for it', async () => {
    await using world = await World.create();
    const agent = world.agent({ settings: { services: { mqtt: true } } });
    const connected = agent.next('mqtt:connected', AbortSignal.timeout(5000));
    agent.once('device:registered', ({ id }) => world.cloud.claim(id));
    await agent.start();
    await connected;
    await agent.store.set('a', 1);
    world.cloud.isStuck = true;
    const refusal = expect(agent.store.set('a', 2)).rejects.toMatchObject({ code: 'MQTT_OFFLINE' });
    world.cloud.cut(agent.id);
    await refusal;
  });

  it('trusts no endpoint but that of the configured authority', async () => {
    await using world = await World.create();
    await using stranger = await World.create();
    const agent = world.agent({
      settings: { mqtt: { authority: stranger.directory.at('ca.pem'), first: '10 msec' } },
    });
    agent.once('device:registered', ({ id }) => world.cloud.claim(id));
    const retry = new Promise<{ code: string }>((resolve) => {
      agent.on('cloud:retry', (facts) => facts.step === 'connect' && resolve(facts));
    });
    await agent.start();
    expect((await retry).code).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED|CERT/);
    expect(world.cloud.handshakes).toBe(0);
  });

  it('ends with a DISCONNECT when the agent stops', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const { id } = agent;
    await agent.stop();
    await until(() => !world.cloud.isConnected(id));
    expect(agent.status).toMatchObject({ phase: 'stopped', connected: false });
  });

  it('takes nothing any more once its end has begun, and a device that goes on measuring ends all the same', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    expect(await agent.metric.set('heat', 1)).toBe('sent');
    const stopping = agent.stop();
    const outcomes = new Set<string>();
    for (let isRunning = true; isRunning; await setImmediate()) {
      outcomes.add(
        await agent.metric.set('heat', 2).catch((error) => {
          isRunning = false;
          return error.code;
        }),
      );
    }
    await stopping;
    expect([...outcomes].slice(-2)).toEqual(['kept', 'AGENT_NOT_READY']);
  });

  it('pauses what goes up when the cloud asks for less', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const { id } = agent;
    const throttled = agent.next('mqtt:throttled');
    await world.cloud.deliver(
      id,
      `ioto/device/${id}/mqtt/throttle`,
      JSON.stringify({ timestamp: Date.now(), close: false }),
    );
    expect(await throttled).toMatchObject({ close: false, pause: 30_000 });
    const before = world.cloud.batches.length;
    await agent.store.set('a', 1);
    await world.cloud.sync(id, 'SYNC', { seq: 0, keys: [], updated: '' });
    expect(world.cloud.batches.length).toBe(before);
  });
});

describe('messages to the device', () => {
  it('release it only when they are of now', () => {
    const now = Date.now();
    expect(isReleaseFresh(Buffer.from(String(now - 9999)), now)).toBe(true);
    expect(isReleaseFresh(Buffer.from(String(now - 10_000)), now)).toBe(false);
    for (const text of ['', 'now', '{}', '-1', '1e99'])
      expect(isReleaseFresh(Buffer.from(text), now)).toBe(false);
  });

  it('throttle it whatever else they say', () => {
    expect(parseThrottle(Buffer.from('{"timestamp":1,"close":true}'))).toEqual({ close: true });
    expect(parseThrottle(Buffer.from('{}'))).toEqual({ close: false });
    expect(parseThrottle(Buffer.from('nonsense'))).toBeUndefined();
    expect(parseThrottle(Buffer.from('null'))).toBeUndefined();
  });
});
