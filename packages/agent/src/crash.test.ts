import { describe, expect, it } from 'vitest';
import { until, World } from '../test/world.ts';
import type { Agent, Checkpoint } from './agent.ts';

/** Runs an agent until `moment`, at which it hangs for ever, as a process that lost its power; then lets go of its files. */
async function dieAt(world: World, moment: Checkpoint, claim = true): Promise<void> {
  let died = () => {};
  const death = new Promise<void>((resolve) => {
    died = resolve;
  });
  const stopping = new AbortController();
  const agent = world.agent({
    checkpoint: (reached) => {
      if (reached !== moment) return undefined;
      died();
      return new Promise<void>((_resolve, reject) => {
        stopping.signal.addEventListener('abort', () => reject(new Error('no power')));
      });
    },
  });
  if (claim) agent.on('device:registered', ({ id }) => world.cloud.claim(id));
  const starting = agent.start().catch(() => undefined);
  await death;
  stopping.abort();
  await starting;
  await agent.stop();
}

async function revive(world: World): Promise<Agent> {
  const agent = world.agent();
  const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
  agent.on('device:waiting', ({ id }) => world.cloud.claim(id));
  await agent.start();
  await ready;
  return agent;
}

describe('an agent killed right after a state write and started again', () => {
  const moments: Checkpoint[] = [
    'device-file-written',
    'identity-key-written',
    'register-answer-written',
    'certificate-written',
    'provision-answer-written',
  ];
  for (const moment of moments) {
    it(`goes on from ${moment} as the same device, with one registration, one key and one certificate`, async () => {
      await using world = await World.create();
      await dieAt(world, moment);
      const agent = await revive(world);
      expect(new Set(world.cloud.callsTo('register').map(({ body }) => body.id))).toEqual(
        new Set([agent.id].filter(() => world.cloud.callsTo('register').length > 0)),
      );
      expect(world.cloud.pinned.size).toBe(1);
      expect(world.cloud.issued.size).toBe(1);
    });
  }

  it('does not ask the builder again when it had been told of its cloud', async () => {
    await using world = await World.create();
    await dieAt(world, 'certificate-written');
    const before = world.cloud.callsTo('register').length;
    await revive(world);
    expect(world.cloud.callsTo('register').length).toBe(before);
  });

  it('does not ask anybody anything when its certificate was named', async () => {
    await using world = await World.create();
    await dieAt(world, 'provision-answer-written');
    const before = world.cloud.calls.length;
    await revive(world);
    expect(world.cloud.calls.length).toBe(before);
  });

  it('keeps a write that it acknowledged before anybody claimed it, and brings it to the cloud', async () => {
    await using world = await World.create();
    const agent = world.agent();
    await agent.start();
    await agent.store.set('early', 'bird');
    await agent.stop();
    await revive(world);
    expect(await until(() => world.cloud.items.get('s#early'))).toMatchObject({ value: 'bird' });
  });

  it('finishes a release that was cut short before the certificate was removed', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent({
      checkpoint: (moment) => {
        if (moment === 'provision-forgotten') throw new Error('no power');
      },
    });
    const { id } = agent;
    world.cloud.release(id);
    void world.cloud.deliver(id, `ioto/device/${id}/provision/release`, String(Date.now()));
    await until(async () => !(await world.state('config', 'provision.json5')).includes('certificate'));
    await agent.stop();
    expect(await world.state('config', 'provision.json5')).not.toContain('certificate');
    const revived = world.agent();
    const waiting = revived.next('device:waiting', AbortSignal.timeout(5000));
    await revived.start();
    await waiting;
    await expect(world.state('certs', 'ioto.crt')).rejects.toThrow('ENOENT');
    expect(revived.id).toBe(id);
  });
});

describe('lost and late answers', () => {
  it('asks again when the answer to provision was lost, and gets the same certificate', async () => {
    await using world = await World.create();
    let lost = 0;
    world.cloud.intercept = ({ path }) => {
      if (!path.endsWith('provision') || lost === 2) return undefined;
      lost += 1;
      return { drop: true };
    };
    await world.readyAgent();
    expect(world.cloud.callsTo('provision').length).toBe(3);
    expect(world.cloud.issued.size).toBe(1);
  });

  it('registers anew, with its identity kept, when the cloud calls its token void', async () => {
    await using world = await World.create();
    let refused = 0;
    world.cloud.intercept = ({ path }) => {
      if (!path.endsWith('provision') || refused === 1) return undefined;
      refused += 1;
      return { status: 401, body: { error: 'Authentication failed' } };
    };
    const agent = await world.readyAgent();
    expect(world.cloud.callsTo('register').at(-1)?.body.id).toBe(agent.id);
    expect(world.cloud.callsTo('register').length).toBeGreaterThanOrEqual(2);
  });
});
