import { type AddressInfo, createServer } from 'node:net';
import { silentLogger, systemClock } from '@ioto/runtime';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { MqttServer } from '../index.ts';

it('an independent client connects over TCP, subscribes, publishes and is heard with QoS 0 and 1', async () => {
  const received: string[] = [];
  const server = new MqttServer<string>({
    clock: systemClock,
    logger: silentLogger,
    hooks: {
      authenticate: async ({ clientId }) => ({ accept: true, principal: clientId }),
      mayPublish: () => true,
      maySubscribe: (_, filter) => !filter.startsWith('secret/'),
      received: async (_, { topic }) => {
        received.push(topic);
      },
    },
  });
  const listener = createServer((socket) => server.accept(socket, { remoteAddress: '127.0.0.1' }));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'js', reconnectPeriod: 0 });
  const messages: { topic: string; text: string; qos: number }[] = [];
  client.on('message', (topic, payload, { qos }) => messages.push({ topic, text: payload.toString(), qos }));

  const granted = await client.subscribeAsync('a/#', { qos: 1 });
  expect(granted).toMatchObject([{ topic: 'a/#', qos: 1 }]);
  await expect(client.subscribeAsync('secret/1', { qos: 1 })).rejects.toThrow();
  await client.publishAsync('a/0', 'zero', { qos: 0 });
  await client.publishAsync('a/1', 'one ☂', { qos: 1 });
  const outcome = await server.deliver('js', 'a/down', 'down');
  expect(outcome).toBe('acknowledged');
  expect(received).toEqual(['a/0', 'a/1']);
  expect(messages).toEqual([
    { topic: 'a/0', text: 'zero', qos: 0 },
    { topic: 'a/1', text: 'one ☂', qos: 1 },
    { topic: 'a/down', text: 'down', qos: 1 },
  ]);
  await client.unsubscribeAsync('a/#');
  await client.endAsync();
  await server.stop();
  await new Promise((resolve) => listener.close(resolve));
});

it('a client of MQTT 5 is told that its version is not served', async () => {
  const server = new MqttServer<string>({
    clock: systemClock,
    logger: silentLogger,
    hooks: {
      authenticate: async () => ({ accept: true, principal: '' }),
      mayPublish: () => true,
      maySubscribe: () => true,
      received: () => undefined,
    },
  });
  const listener = createServer((socket) => server.accept(socket, { remoteAddress: '127.0.0.1' }));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const refused = connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0 });
  await expect(refused).rejects.toMatchObject({ code: 0x84 });
  await server.stop();
  await new Promise((resolve) => listener.close(resolve));
});
