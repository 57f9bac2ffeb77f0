import { type AddressInfo, createServer } from 'node:net';
import { silentLogger, systemClock } from '@ioto/runtime';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { MqttServer } from '../index.ts';

it.each([[4 as const], [5 as const]])(
  'an independent client of level %i is heard and hears with QoS 0, 1 and 2',
  async (protocolVersion) => {
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
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: 'js',
      reconnectPeriod: 0,
      protocolVersion,
    });
    const messages: { topic: string; text: string; qos: number }[] = [];
    client.on('message', (topic, payload, { qos }) =>
      messages.push({ topic, text: payload.toString(), qos }),
    );

    const granted = await client.subscribeAsync('a/#', { qos: 2 });
    expect(granted).toMatchObject([{ topic: 'a/#', qos: 2 }]);
    await expect(client.subscribeAsync('secret/1', { qos: 1 })).rejects.toThrow();
    await client.publishAsync('a/0', 'zero', { qos: 0 });
    await client.publishAsync('a/1', 'one ☂', { qos: 1 });
    await client.publishAsync('a/2', 'two', { qos: 2 });
    const outcome = await server.deliver('js', 'a/down', 'down');
    expect(outcome).toBe('acknowledged');
    expect(received).toEqual(['a/0', 'a/1', 'a/2']);
    expect(messages).toEqual([
      { topic: 'a/0', text: 'zero', qos: 0 },
      { topic: 'a/1', text: 'one ☂', qos: 1 },
      { topic: 'a/2', text: 'two', qos: 2 },
      { topic: 'a/down', text: 'down', qos: 1 },
    ]);
    await client.unsubscribeAsync('a/#');
    await client.endAsync();
    await server.stop();
    await new Promise((resolve) => listener.close(resolve));
  },
);
