import { CodedError, Emitter, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import type { AgentEvents } from '../../agent-events.ts';
import { ServerTime } from '../../cloud-api/server-time.ts';
import { KeysService } from './service.ts';

const MINUTE = 60_000;

function makeKeys({ life = 60 }: { life?: number } = {}) {
  const clock = new VirtualClock();
  const serverTime = new ServerTime(clock);
  const renewed: string[] = [];
  const events = new Emitter<AgentEvents>(() => undefined);
  events.on('keys:renewed', ({ expires }) => renewed.push(expires));
  const world = {
    owner: 'first' as string | undefined,
    asked: 0,
    failure: undefined as Error | undefined,
  };
  const service = new KeysService({
    source: {
      standing() {
        if (world.owner === undefined) throw new CodedError('NOT_CLAIMED', 'not claimed');
        return world.owner;
      },
      async fetch() {
        world.asked += 1;
        if (world.failure) throw world.failure;
        const keys = {
          ...{ accessKeyId: `${world.owner}${world.asked}`, secretAccessKey: 's', sessionToken: 't' },
          ...{ region: 'local', expires: serverTime.now() + life * MINUTE },
        };
        return { keys, endpoints: { logs: 'https://c', s3: 'https://c', monitoring: 'https://c' } };
      },
    },
    ...{ serverTime, clock, events, random: () => 0, logger: silentLogger },
  });
  const idOfKeys = async () => (await service.get()).accessKeyId;
  return { clock, service, world, renewed, idOfKeys };
}

describe('the credentials of a device', () => {
  it('are asked for once by however many need them, and then kept', async () => {
    const { service, world, renewed, idOfKeys } = makeKeys();
    expect(service.endpoints).toBeUndefined();
    expect(await Promise.all([idOfKeys(), idOfKeys(), idOfKeys()])).toEqual(['first1', 'first1', 'first1']);
    expect(await idOfKeys()).toBe('first1');
    expect([world.asked, renewed.length, service.endpoints?.logs]).toEqual([1, 1, 'https://c']);
  });

  it('are renewed 20 minutes early, before anybody asks, as long as somebody used them', async () => {
    const { clock, world, idOfKeys } = makeKeys();
    await idOfKeys();
    await clock.advance(40 * MINUTE - 1);
    expect(world.asked).toBe(1);
    await clock.advance(1);
    expect(world.asked).toBe(2);
    expect(await idOfKeys()).toBe('first2');
    await clock.advance(24 * 60 * MINUTE);
    // One life more, which nobody used.
    expect(world.asked).toBe(3);
  });

  it('stay in use while the cloud cannot be reached, and are asked for again and again until they end', async () => {
    const { clock, world, idOfKeys } = makeKeys();
    await idOfKeys();
    world.failure = new CodedError('URL_UNREACHABLE', 'no connection', { retryable: true });
    await clock.advance(45 * MINUTE);
    expect(world.asked).toBeGreaterThan(2);
    expect(world.asked).toBeLessThan(20);
    expect(await idOfKeys()).toBe('first1');
    await clock.advance(16 * MINUTE);
    await expect(idOfKeys()).rejects.toMatchObject({ code: 'URL_UNREACHABLE' });
    world.failure = undefined;
    expect(await idOfKeys()).toMatch(/^first/);
  });

  it('that the cloud refused are replaced at once, and those that came meanwhile are kept', async () => {
    const { service, world, idOfKeys } = makeKeys();
    const keys = await service.get();
    service.refused(keys);
    expect(await idOfKeys()).toBe('first2');
    service.refused(keys);
    expect(await idOfKeys()).toBe('first2');
    expect(world.asked).toBe(2);
  });

  it('are not asked for before the time that the cloud said', async () => {
    const { clock, world, idOfKeys } = makeKeys();
    world.failure = new CodedError('CREDENTIALS_TOO_OFTEN', 'slow down', { retryAfter: 10 * MINUTE });
    for (let turn = 0; turn < 3; turn += 1) {
      await expect(idOfKeys()).rejects.toMatchObject({ code: 'CREDENTIALS_TOO_OFTEN' });
    }
    expect(world.asked).toBe(1);
    world.failure = undefined;
    await clock.advance(10 * MINUTE);
    expect(await idOfKeys()).toBe('first2');
  });

  it('go with their owner', async () => {
    const { world, idOfKeys } = makeKeys();
    await idOfKeys();
    world.owner = undefined;
    await expect(idOfKeys()).rejects.toMatchObject({ code: 'NOT_CLAIMED' });
    world.owner = 'second';
    expect(await idOfKeys()).toBe('second2');
  });

  it('of 15 minutes are renewed at half of their life', async () => {
    const { clock, world, idOfKeys } = makeKeys({ life: 15 });
    await idOfKeys();
    await clock.advance(7 * MINUTE);
    expect(world.asked).toBe(1);
    await clock.advance(MINUTE);
    expect(world.asked).toBe(2);
  });
});
