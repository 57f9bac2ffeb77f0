import { Emitter, silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentEvents } from '../../agent-events.ts';
import { ShadowService } from './service.ts';

let directory: TempDirectory;
let service: ShadowService;
const clock = new VirtualClock();
const events = new Emitter<AgentEvents>(() => undefined);
let asked: { topic: string; token: string }[];
beforeEach(async () => {
  directory = await TempDirectory.create();
  asked = [];
  service = new ShadowService({
    ...{ id: 'D1', path: directory.at('shadow.json5'), save: 5000, clock, events },
    ...{ logger: silentLogger, random: () => 0.5 },
  });
  await service.start();
});
afterEach(async () => {
  await service.stop();
  await directory[Symbol.asyncDispose]();
});

const publish = async (topic: string, payload: string) => {
  asked.push({ topic, token: JSON.parse(payload).clientToken });
};
const answer = ({ topic, token }: { topic: string; token: string }) =>
  service.receive(
    `${topic}/rejected`,
    Buffer.from(JSON.stringify({ code: 404, message: '', clientToken: token })),
  );
const report = (n: number) =>
  void service.shadow
    .named(`n${n}`)
    .set('a', 1)
    .catch(() => undefined);

describe('a device with many shadows', () => {
  it('asks for ten of them at once, and for the next when one is answered', async () => {
    for (let n = 0; n < 50; n += 1) report(n);
    service.connected(publish);
    expect(asked).toHaveLength(10);
    answer(asked[0] as never);
    expect(asked).toHaveLength(11);
    for (let n = 1; n < asked.length && n < 200; n += 1)
      if (asked[n]?.topic.endsWith('/get')) answer(asked[n] as never);
    expect(new Set(asked.filter(({ topic }) => topic.endsWith('/get'))).size).toBe(51);
  });

  it('asks for nothing for a while when the cloud asked for less', async () => {
    report(1);
    events.emit('mqtt:throttled', { pause: 30_000, close: false });
    service.connected(publish);
    await clock.advance(29_000);
    expect(asked).toEqual([]);
    await clock.advance(1000);
    expect(asked).toHaveLength(2);
  });

  it('holds no more than a thousand, and none for having been asked for a value of it', async () => {
    for (let n = 0; n < 2000; n += 1) expect(service.shadow.named(`x${n}`).get('a')).toBeUndefined();
    for (let n = 0; n < 999; n += 1) report(n);
    await expect(service.shadow.named('more').set('a', 1)).rejects.toMatchObject({ code: 'SHADOW_TOO_MANY' });
    const delta = Buffer.from(JSON.stringify({ state: { a: 2 }, version: 1 }));
    const told: unknown[] = [];
    events.on('shadow:delta', (facts) => void told.push(facts));
    service.receive('$aws/things/D1/shadow/name/others/update/delta', delta);
    service.receive('$aws/things/D1/shadow/name/n5/update/delta', delta);
    expect(told).toHaveLength(1);
  });
});
