import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import type { Delivery } from '../../ports/device-endpoint.ts';
import type { Write } from '../../ports/item-store.ts';
import { Peers } from '../hello/peers.ts';
import { ItemSender } from './item-sender.ts';

const command = { pk: 'command#', sk: 'command#A#D#1', _type: 'Command', command: 'beep' };

function makeSender(write: (writes: readonly Write[]) => Promise<void>) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const failures: string[] = [];
  const endpoint = {
    deliver: async (_device: string, topic: string): Promise<Delivery> => {
      sent.push(topic);
      return 'acknowledged';
    },
    publish: () => undefined,
    answer: () => undefined,
    take: async () => undefined,
    retained: () => [],
    hasSubscribers: () => false,
    isConnected: () => true,
    disconnect: () => undefined,
    endSession: () => undefined,
  };
  const store = {
    write,
    update: async () => undefined,
    get: async () => undefined,
    query: async () => ({ items: [] }),
    onChange: () => () => undefined,
  };
  const logger = {
    ...silentLogger,
    error: (_facts: object, message: string) => void failures.push(message),
  };
  const past = new Date(clock.now() - 1000).toISOString();
  return {
    sender: new ItemSender({ store, endpoint, peers: new Peers(), clock, logger }),
    sent,
    failures,
    past,
  };
}

it('sends a Command and removes it once it is delivered', async () => {
  const writes: Write[] = [];
  const { sender, sent } = makeSender(async (some) => void writes.push(...some));
  sender.send('D', 'INSERT', command);
  await expect.poll(() => writes).toEqual([{ remove: { pk: command.pk, sk: command.sk } }]);
  expect(sent).toHaveLength(1);
});

it('removes a Command whose time is over without sending it', async () => {
  const writes: Write[] = [];
  const { sender, sent, past } = makeSender(async (some) => void writes.push(...some));
  sender.send('D', 'INSERT', { ...command, expires: past });
  await expect.poll(() => writes).toHaveLength(1);
  expect(sent).toEqual([]);
});

it('says that a Command cannot be removed, and tries again at the next occasion', async () => {
  let attempts = 0;
  const { sender, failures, past } = makeSender(async () => {
    attempts += 1;
    throw new Error('disk full');
  });
  sender.send('D', 'INSERT', { ...command, expires: past });
  await expect.poll(() => failures).toEqual(['cannot end a Command']);
  sender.send('D', 'INSERT', { ...command, expires: past });
  await expect.poll(() => attempts).toBe(2);
});
