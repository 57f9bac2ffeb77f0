import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DevicePrincipal } from '../ports/device-endpoint.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { DeviceDoor, type DeviceDoorOptions } from './device-door.ts';

const MANY = 200;

let door: DeviceDoor;
let sentAway: string[];
/** How often each device was asked for its right. */
let asked: Map<string, number>;
let allowed: boolean;

beforeEach(async () => {
  sentAway = [];
  asked = new Map();
  allowed = true;
  const unused = {} as DeviceDoorOptions;
  door = new DeviceDoor({
    ...unused,
    policies: {
      know: () => Promise.reject(new Error('unused')),
      use: () => undefined,
      leave: () => undefined,
    },
    presence: { connected: async () => undefined } as unknown as DeviceDoorOptions['presence'],
    endpoint: { disconnect: (id) => void sentAway.push(id) },
    clock: new VirtualClock(),
    logger: silentLogger,
  });
  for (let n = 0; n < MANY; n += 1) await door.connected(device(`A${n}`, 'A'));
  await door.connected(device('B0', 'B'));
  asked.clear();
});

function device(deviceId: string, accountId: string): DevicePrincipal {
  const mayConnect = () => {
    asked.set(deviceId, (asked.get(deviceId) ?? 0) + 1);
    return allowed;
  };
  const rights = { ...everyRight, mayConnect };
  return { kind: 'device', deviceId, accountId, generation: 1, dialect: 'current', rights };
}

const turns = async (count: number) => {
  for (let n = 0; n < count; n += 1) await new Promise(setImmediate);
};

describe('a change of policies', () => {
  it('of an account with many devices lets others have their turn between a few of them', async () => {
    allowed = false;
    door.policiesChanged('A');
    expect(sentAway.length).toBeLessThan(MANY / 10);
    await turns(MANY);
    expect(sentAway).toHaveLength(MANY);
    expect(asked.has('B0')).toBe(false);
  });

  it('that comes while devices are looked at is looked at too, and one after that', async () => {
    door.policiesChanged('A');
    await turns(2);
    expect(asked.size).toBeLessThan(MANY);
    door.policiesChanged('A');
    door.policiesChanged('B');
    await turns(2 * MANY);
    expect([asked.get('A0'), asked.get(`A${MANY - 1}`), asked.get('B0')]).toEqual([2, 2, 1]);
    door.policiesChanged('B');
    door.policiesChanged('B');
    await turns(2);
    expect(asked.get('B0')).toBe(3);
  });
});
