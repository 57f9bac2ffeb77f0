import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { Requests } from './requests.ts';

function setting() {
  const clock = new VirtualClock();
  const requests = new Requests({ clock, id: 'D1', timeout: 5000 });
  const sent: { topic: string; payload: string }[] = [];
  const connect = () =>
    requests.connected(async (topic, payload) => {
      sent.push({ topic, payload });
    });
  const numberOf = (index: number) => sent[index]?.topic.split('/').at(-1) ?? '';
  const answer = (index: number, text: string) =>
    requests.answered('store/get', numberOf(index), Buffer.from(text));
  return { clock, requests, sent, connect, answer };
}

describe('a question to the cloud', () => {
  it('is asked on a topic of its own, and gets the answer of its own number', async () => {
    const { requests, sent, connect, answer } = setting();
    connect();
    const first = requests.ask('store/get', { key: 'a' });
    const second = requests.ask('store/get', { key: 'b' });
    expect(sent[0]?.topic).toMatch(/^ioto\/service\/D1\/store\/get\/\d+$/);
    expect(JSON.parse(sent[1]?.payload ?? '')).toEqual({ key: 'b' });
    answer(1, '2');
    answer(0, '1');
    expect(await Promise.all([first, second])).toEqual(['1', '2']);
  });

  it('fails at once when there is no connection, or when it ends', async () => {
    const { requests, connect } = setting();
    await expect(requests.ask('store/get', {})).rejects.toMatchObject({ code: 'MQTT_OFFLINE' });
    connect();
    const asked = requests.ask('store/get', {});
    requests.disconnected();
    await expect(asked).rejects.toMatchObject({ code: 'MQTT_OFFLINE', retryable: true });
  });

  it('is given up after its time, and a late answer is dropped', async () => {
    const { clock, requests, connect, answer } = setting();
    connect();
    const asked = requests.ask('store/get', {}, { timeout: 1000 });
    const refusal = expect(asked).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
    await clock.advance(1000);
    await refusal;
    answer(0, 'too late');
  });

  it('is refused beyond a thousand under way', async () => {
    const { requests, connect } = setting();
    connect();
    const asked = Array.from({ length: 1000 }, () => requests.ask('store/get', {}));
    for (const each of asked) each.catch(() => undefined);
    await expect(requests.ask('store/get', {})).rejects.toMatchObject({ code: 'REQUEST_LIMIT' });
    requests.disconnected();
    await Promise.allSettled(asked);
  });
});
