import { Emitter, silentLogger, systemClock } from '@ioto/runtime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until, World } from '../../../test/world.ts';
import type { AgentEvents } from '../../agent-events.ts';
import { MqttService } from './service.ts';
import { TopicTable } from './topic-table.ts';

/** The service alone, as a device that was provisioned before. */
async function provisioned(world: World) {
  // Only what a certificate needs: other services subscribe for themselves.
  const agent = await world.readyAgent({ settings: { services: { sync: true } } });
  const { id, settings } = agent;
  await agent.stop();
  const { port } = JSON.parse(await world.state('config', 'provision.json5')) as { port: number };
  const events = new Emitter<AgentEvents>(() => undefined);
  const topics: string[] = [];
  const mqtt = new MqttService({
    clock: systemClock,
    logger: silentLogger,
    events,
    settings: settings.mqtt,
    maxMessage: 1000,
    receive: async (topic) => void topics.push(topic),
  });
  world.cloud.filters.clear();
  const connect = async () => {
    const stopping = new AbortController();
    const end = mqtt.connect(
      {
        id,
        accountId: 'account1',
        endpoint: 'localhost',
        port,
        alpn: 'x-amzn-mqtt-ca',
        certificate: await world.state('certs', 'ioto.crt'),
        key: await world.state('certs', 'ioto.key'),
        ca: world.cloud.authority.pem,
      },
      stopping.signal,
    );
    onTestFinished(async () => {
      stopping.abort();
      await end;
    });
    return end;
  };
  return { id, mqtt, events, topics, connect };
}

describe('a service that subscribes more than every device does', () => {
  it('has it after that of every device, eight filters at a time, and is then told of the connection', async () => {
    await using world = await World.create();
    const { id, mqtt, events, topics, connect } = await provisioned(world);
    const told: string[] = [];
    const filters = Array.from({ length: 10 }, (_, n) => `$aws/things/${id}/jobs/${n}/+`);
    mqtt.addSubscription({
      service: 'jobs',
      filters,
      user: {
        prepare: ({ accountId }) => void told.push(`prepared for ${accountId}`),
        connected: () => void told.push(`connected with ${world.cloud.filters.size}`),
        disconnected: () => void told.push('disconnected'),
      },
    });
    events.on('mqtt:connected', () => void told.push(`up with ${world.cloud.filters.size}`));
    void connect();
    await until(() => told.length === 3);
    expect(told).toEqual(['prepared for account1', 'up with 3', 'connected with 13']);
    expect([...world.cloud.filters].slice(3)).toEqual(filters);
    await world.cloud.deliver(id, `$aws/things/${id}/jobs/9/accepted`, '{}');
    expect(topics).toContain(`$aws/things/${id}/jobs/9/accepted`);
    mqtt.disconnect('enough');
    expect(told.at(-1)).toBe('disconnected');
  });

  it('is unavailable where the endpoint refuses that, and the connection and the others go on', async () => {
    await using world = await World.create();
    const { id, mqtt, events, connect } = await provisioned(world);
    world.cloud.grants = (filter) => !filter.includes('/shadow/');
    const told: string[] = [];
    const user = (name: string) => ({
      connected: () => void told.push(name),
      disconnected: () => void told.push(`not ${name}`),
    });
    mqtt.addUser(user('sync'));
    mqtt.addSubscription({
      service: 'shadow',
      filters: [`$aws/things/${id}/shadow/+`, `$aws/things/${id}/x`],
      user: user('shadow'),
    });
    mqtt.addSubscription({ service: 'jobs', filters: [`$aws/things/${id}/jobs/+`], user: user('jobs') });
    const unavailable = events.next('service:unavailable', AbortSignal.timeout(5000));
    void connect();
    expect(await unavailable).toEqual({
      service: 'shadow',
      code: 'MQTT_FILTER_REFUSED',
      message: `the endpoint refused to subscribe $aws/things/${id}/shadow/+`,
    });
    await until(() => told.includes('jobs'));
    expect(world.cloud.isConnected(id)).toBe(true);
    mqtt.disconnect('enough');
    expect(told).toEqual(['sync', 'jobs', 'not sync', 'not jobs']);
  });
});

describe('the table of reserved topics', () => {
  it('knows the service whose prefix is the longest that fits', () => {
    const table = new TopicTable();
    const shadow = () => undefined;
    const named = () => undefined;
    table.add('$aws/things/D/shadow/', shadow);
    table.add('$aws/things/D/shadow/name/', named);
    expect(table.find('$aws/things/D/shadow/get/accepted')).toBe(shadow);
    expect(table.find('$aws/things/D/shadow/name/a/get/accepted')).toBe(named);
    expect(table.find('$aws/things/E/shadow/get/accepted')).toBeUndefined();
    expect(() => table.add('$aws/things/D/shadow/', shadow)).toThrow(/two services/);
  });
});
