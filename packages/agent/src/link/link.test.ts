import { CodedError, Emitter, silentLogger } from '@ioto/runtime';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../test/world.ts';
import type { AgentEvents } from '../agent-events.ts';
import { layOutDirectories } from '../config-loading/directories.ts';
import { makeSettings } from '../config-loading/settings.ts';
import { ProvisionFile } from '../identity/provision-file.ts';
import type { ConnectionEnd } from '../services/mqtt/refusal.ts';
import { Link, type LinkSteps } from './link.ts';

/** A link whose steps are told what to answer, in a time that the test moves. */
class LinkWorld {
  readonly clock = new VirtualClock();
  readonly events = new Emitter<AgentEvents>((_event, error) => {
    throw error;
  });
  readonly times: number[] = [];
  readonly waits: number[] = [];
  readonly #start = this.clock.now();
  readonly link: Link;

  constructor(
    directory: Directory,
    steps: Partial<LinkSteps>,
    certificate = false,
    settings = {},
    more: object = {},
  ) {
    const record = certificate
      ? {
          registered: true,
          api: 'https://cloud/api',
          token: 't',
          certificate: 'c',
          endpoint: 'e',
          accountId: 'a',
          ...more,
        }
      : {};
    this.link = new Link({
      clock: this.clock,
      logger: silentLogger,
      events: this.events,
      random: () => 0.5,
      settings: makeSettings(settings, () => 'test'),
      id: 'ID',
      provisionFile: new ProvisionFile({
        directories: layOutDirectories({ state: directory.path }, {}),
        record,
        checkpoint: () => undefined,
      }),
      steps,
      now: () => this.clock.now(),
    });
  }

  /** Seconds since the start. */
  note(): void {
    this.times.push((this.clock.now() - this.#start) / 1000);
  }

  async run(seconds: number): Promise<void> {
    await this.link.start();
    await settle(50);
    for (let second = 0; second < seconds; second += 1) await this.clock.advance(1000);
    await this.link.stop();
  }
}

describe('registering', () => {
  it('calls at power-on, asks at once for a long poll, and backs off exponentially when that is not held', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(directory, {
      register: {
        async call(wait) {
          world.note();
          world.waits.push(wait);
          return { claimed: false, held: false };
        },
      },
    });
    await world.run(80);
    expect(world.times).toEqual([0, 0, 5, 15, 35, 75]);
    expect(world.waits.slice(0, 2)).toEqual([0, 60_000]);
  });

  it('without long polls calls at power-on, after 5 s, and then exponentially later to the limit', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(
      directory,
      {
        register: {
          async call() {
            world.note();
            return { claimed: false, held: false };
          },
        },
      },
      false,
      { register: { wait: 0, limit: '20 secs' } },
    );
    await world.run(80);
    expect(world.times).toEqual([0, 5, 15, 35, 55, 75]);
  });

  it('asks again at once after a long poll that ran its time', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(directory, {
      register: {
        async call(wait, signal) {
          world.note();
          if (wait > 0) {
            await new Promise((resolve, reject) => {
              world.clock.after(wait, () => resolve(undefined));
              signal.addEventListener('abort', () => reject(signal.reason));
            });
          }
          return { claimed: false, held: wait > 0 };
        },
      },
    });
    await world.run(130);
    expect(world.times).toEqual([0, 0, 60, 120]);
  });

  it('obeys what the peer asks for', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(directory, {
      register: {
        async call() {
          world.note();
          throw new CodedError('BLOCKED', 'too much', { retryAfter: 100_000 });
        },
      },
    });
    await world.run(110);
    expect(world.times).toEqual([0, 105]);
  });

  it('is done anew, and answered at once, when somebody wakes the agent while the builder holds its call', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(directory, {
      register: {
        async call(wait: number, signal: AbortSignal) {
          world.note();
          world.waits.push(wait);
          if (wait === 0) return { claimed: false, held: false };
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          throw new Error('unreachable');
        },
      },
    });
    await world.link.start();
    await settle(50);
    expect(world.waits).toEqual([0, 60_000]);
    world.link.wake();
    await settle(50);
    expect(world.waits).toEqual([0, 60_000, 0, 60_000]);
    expect(world.times).toEqual([0, 0, 0, 0]);
    await world.link.stop();
  });

  it('is done at once when somebody wakes the agent, and its delays start over', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(directory, {
      register: {
        async call() {
          world.note();
          throw new CodedError('DOWN', 'down');
        },
      },
    });
    await world.link.start();
    await settle(50);
    await world.clock.advance(16_000);
    expect(world.times).toEqual([0, 5, 15]);
    world.link.wake();
    await world.clock.advance(6000);
    expect(world.times).toEqual([0, 5, 15, 16, 21]);
    await world.link.stop();
  });
});

describe('connecting', () => {
  const lost: ConnectionEnd = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'no' };

  it('backs off while the cloud is away, without asking the builder', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(
      directory,
      {
        register: { call: () => Promise.reject(new Error('must not be asked')) },
        mqtt: {
          disconnect: () => undefined,
          async connect() {
            world.note();
            return { ...lost, lasted: 0 };
          },
        },
      },
      true,
    );
    await world.run(40);
    expect(world.times).toEqual([0, 1, 3, 7, 15, 31]);
  });

  it('starts over with the first delay after a connection that held', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(
      directory,
      {
        mqtt: {
          disconnect: () => undefined,
          async connect() {
            world.note();
            return { ...lost, lasted: 120_000 };
          },
        },
      },
      true,
    );
    await world.run(4);
    expect(world.times).toEqual([0, 1, 2, 3, 4]);
  });

  it('asks the builder after three closes without a word', async () => {
    await using directory = await Directory.create();
    let asked = 0;
    const world: LinkWorld = new LinkWorld(
      directory,
      {
        register: {
          async call() {
            asked += 1;
            return { claimed: true, held: false };
          },
        },
        mqtt: {
          disconnect: () => undefined,
          async connect() {
            world.note();
            return { kind: 'unanswered', code: 'MQTT_CLOSED', message: 'closed', lasted: 0 };
          },
        },
      },
      true,
    );
    await world.run(5);
    expect(asked).toBe(0);
    expect(world.times).toEqual([0, 1, 3]);
    await world.link.stop();
  });

  it('stays away for an hour when the cloud closed it for excessive traffic, unless it is woken', async () => {
    await using directory = await Directory.create();
    const world: LinkWorld = new LinkWorld(
      directory,
      {
        mqtt: {
          disconnect: () => undefined,
          async connect() {
            world.note();
            if (world.times.length === 1) world.link.banish();
            return { kind: 'lost', code: 'MQTT_CLOSED', message: 'closed', lasted: 1 };
          },
        },
      },
      true,
    );
    await world.link.start();
    await settle(50);
    await world.clock.advance(3_599_000);
    expect(world.times).toEqual([0]);
    world.link.wake();
    await settle(50);
    expect(world.times).toEqual([0, 3599]);
    await world.link.stop();
  });
});

describe('a device whose certificate has ended', () => {
  const ended = { expires: '2025-12-31T00:00:00.000Z' };

  /** What it does in some seconds, when the cloud answers so. */
  async function walk(directory: Directory, provision: () => Promise<void>): Promise<string[]> {
    const done: string[] = [];
    const world: LinkWorld = new LinkWorld(
      directory,
      {
        register: {
          call: async () => {
            done.push('register');
            return { claimed: true, held: false };
          },
        },
        provision: {
          call: () => {
            done.push('provision');
            return provision();
          },
        },
        mqtt: {
          disconnect: () => undefined,
          connect: async () => {
            done.push('connect');
            return { kind: 'unreachable', code: 'MQTT_CLOSED', message: 'closed', lasted: 0 };
          },
        },
      },
      true,
      {},
      ended,
    );
    await world.run(4);
    return done;
  }

  it('asks for another at once, and connects with that, whatever its clock says', async () => {
    await using directory = await Directory.create();
    expect(await walk(directory, async () => undefined)).toEqual([
      'provision',
      'connect',
      'connect',
      'connect',
    ]);
  });

  it('connects with what it has where the cloud cannot be asked: the clock may be wrong', async () => {
    await using directory = await Directory.create();
    const down = () => Promise.reject(new CodedError('DOWN', 'down', { retryAfter: 1000 }));
    expect((await walk(directory, down)).slice(0, 2)).toEqual(['provision', 'connect']);
  });

  it('asks the builder when the cloud does not have it any more', async () => {
    await using directory = await Directory.create();
    const gone = () => Promise.reject(new CodedError('GONE', 'gone', { status: 401, retryAfter: 1000 }));
    expect((await walk(directory, gone)).slice(0, 2)).toEqual(['provision', 'register']);
  });
});
