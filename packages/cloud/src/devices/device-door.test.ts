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
let inside: Map<string, DevicePrincipal>;
let online: Set<string>;

beforeEach(async () => {
  sentAway = [];
  asked = new Map();
  allowed = true;
  inside = new Map();
  online = new Set();
  const unused = {} as DeviceDoorOptions;
  door = new DeviceDoor({
    ...unused,
    rights: { of: () => Promise.reject(new Error('unused')), use: () => undefined, leave: () => undefined },
    presence: {
      connected: async (id: string) => void online.add(id),
      disconnected: (id: string) => void online.delete(id),
    } as unknown as DeviceDoorOptions['presence'],
    history: { ended: () => undefined } as unknown as DeviceDoorOptions['history'],
    // As the real one does, it says the end of the connection within the call.
    endpoint: {
      disconnect: (id) => {
        sentAway.push(id);
        const principal = inside.get(id);
        if (principal) void door.disconnected(principal, { reason: 'sent away', detail: '' });
      },
    },
    peers: { forget: () => undefined },
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
  const principal = {
    kind: 'device',
    deviceId,
    accountId,
    generation: 1,
    dialect: 'current',
    rights,
  } as const;
  inside.set(deviceId, principal);
  return principal;
}

const turns = async (count: number) => {
  for (let n = 0; n < count; n += 1) await new Promise(setImmediate);
};

it('a device that may not connect any more when it is let in is gone, and not shown as online', async () => {
  allowed = false;
  await door.connected(device('LATE', 'A'));
  expect([sentAway, online.has('LATE'), online.has('A0')]).toEqual([['LATE'], false, true]);
});

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

describe('a certificate that is revoked', () => {
  it('ends the connection that came with it, and no other', async () => {
    await door.connected({ ...device('C0', 'C'), serial: 'aa' });
    inside.set('C0', { ...device('C0', 'C'), serial: 'aa' });
    door.revoked('C0', ['bb']);
    expect(sentAway).toEqual([]);
    door.revoked('C0', ['aa', 'bb']);
    expect(sentAway).toEqual(['C0']);
  });

  it('ends the connection of a credential that was given for it', async () => {
    const principal: DevicePrincipal = { ...device('C0', 'C'), ofCertificate: 'aa' };
    inside.set('C0', principal);
    await door.connected(principal);
    door.revoked('C0', ['bb']);
    expect(sentAway).toEqual([]);
    door.revoked('C0', ['aa']);
    expect(sentAway).toEqual(['C0']);
  });

  it('while its device is being let in ends that connection as soon as there is one', async () => {
    door.revoked('LATE', ['aa']);
    const principal: DevicePrincipal = { ...device('LATE', 'C'), serial: 'aa' };
    inside.set('LATE', principal);
    await door.connected(principal);
    expect([sentAway, online.has('LATE')]).toEqual([['LATE'], false]);
  });
});
