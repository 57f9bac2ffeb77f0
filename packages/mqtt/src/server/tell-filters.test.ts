import { expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

it('the embedder is told of the filters of each packet that were granted or removed, and of no others', async () => {
  const told: [string, string[]][] = [];
  await using world = new MqttWorld({
    hooks: {
      maySubscribe: (_, filter) => filter !== 'forbidden',
      subscribed: (_, { filters }) => void told.push(['subscribed', filters]),
      unsubscribed: (_, { filters }) => void told.push(['unsubscribed', filters]),
    },
  });
  const client = await world.client('d1');
  client.subscribe(1, ['a', 0], ['forbidden', 0], ['b', 1]);
  await client.nextOf('suback');
  client.subscribe(2, ['forbidden', 0]);
  await client.nextOf('suback');
  client.send({ type: 'unsubscribe', packetId: 3, filters: ['b', 'never'] });
  await client.nextOf('unsuback');
  client.send({ type: 'unsubscribe', packetId: 4, filters: ['b'] });
  await client.nextOf('unsuback');
  expect(told).toEqual([
    ['subscribed', ['a', 'b']],
    ['unsubscribed', ['b']],
  ]);
});
