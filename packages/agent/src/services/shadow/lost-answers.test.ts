import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Exchange } from './exchange.ts';
import { LocalShadow, type ShadowMemory } from './local-shadow.ts';
import { ShadowCloud } from './shadow-cloud.fixture.ts';
import { Turns } from './turns.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A device with one shadow; the way to the cloud and back may lose what is on it. */
class Device {
  readonly clock = new VirtualClock();
  readonly cloud = new ShadowCloud((topic, payload) => this.#deliver(topic, payload));
  loses: 'nothing' | 'questions' | 'answers' = 'nothing';
  local = new LocalShadow();
  readonly #turns = new Turns({ clock: this.clock, most: 1 });
  #exchange = this.#begin();
  #late: (() => void)[] = [];
  #tokens = 0;

  set(member: string, value: number | null): void {
    const [outer = '', inner] = member.split('.');
    this.local.report({ [outer]: inner === undefined ? value : { [inner]: value } });
    this.#exchange.goOn();
  }

  connect(): void {
    this.#exchange.connected(async (topic, payload) => {
      if (this.loses !== 'questions') await this.cloud.publish(topic, payload);
    });
  }

  disconnect(): void {
    this.#exchange.disconnected();
  }

  /** Off and on again, with what was written at `written`: what came later was told to nobody. */
  restart(written: ShadowMemory = this.local.memory): void {
    this.#exchange.disconnected();
    this.local = new LocalShadow(structuredClone(written));
    this.#exchange = this.#begin();
  }

  /** Answers that were held up on the way arrive after all. */
  arrive(): void {
    for (const deliver of this.#late.splice(0)) deliver();
  }

  #begin(): Exchange {
    return new Exchange({
      ...{ thing: 'D1', local: this.local, clock: this.clock, logger: silentLogger },
      random: () => 0.5,
      turns: this.#turns,
      newToken: () => `t${++this.#tokens}`,
      ...{ changed: () => undefined, differs: () => undefined, inStep: () => undefined },
    });
  }

  #deliver(topic: string, payload: Buffer): void {
    const [verb, news] = topic.split('/').slice(-2);
    if (news === 'delta') return;
    const receive = () => this.#exchange.received({ verb, news } as never, JSON.parse(payload.toString()));
    if (this.loses === 'answers') this.#late.push(receive);
    else receive();
  }
}

describe('a shadow whose answers are lost', () => {
  it('has what was set last, also where that is what it was before', async () => {
    const device = new Device();
    device.connect();
    device.set('x', 1);
    await turn();
    device.loses = 'answers';
    device.set('x', 2);
    await turn();
    device.disconnect();
    device.set('x', 1);
    device.restart();
    device.loses = 'nothing';
    device.connect();
    await turn();
    await turn();
    expect(device.local.get(['x'])).toBe(1);
    expect(device.cloud.shadows.get(undefined)?.state.reported).toEqual({ x: 1 });
    // And all is settled: nothing is said twice.
    expect(device.local.patch).toBeUndefined();
  });

  it('has in the end what was set last of each member, however it came to be', async () => {
    const member = fc.constantFrom('x', 'x', 'y', 'o.p', 'o.q');
    const set = fc.tuple(fc.constant('set'), member, fc.constantFrom(1, 2, null));
    const settled = fc.tuple(fc.constantFrom('turn', 'connect'));
    const trouble = fc.tuple(fc.constantFrom('disconnect', 'restart', 'wait', 'arrive'));
    const loss = fc.tuple(fc.constantFrom('nothing', 'questions', 'answers'));
    const step = fc.oneof({ weight: 4, arbitrary: set }, { weight: 4, arbitrary: settled }, trouble, loss);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const device = new Device();
        device.connect();
        const last = new Map<string, number | null>();
        for (const [what, name = '', value = null] of steps as [string, string?, (number | null)?][]) {
          if (what === 'set') {
            device.set(name, value);
            last.set(name, value);
          } else if (what === 'wait') await device.clock.advance(10_000);
          else if (what === 'turn') await turn();
          else if (what === 'connect' || what === 'disconnect' || what === 'restart' || what === 'arrive')
            device[what]();
          else device.loses = what as Device['loses'];
        }
        device.loses = 'nothing';
        device.disconnect();
        device.connect();
        for (let n = 0; n < 4; n += 1) await turn();
        const state = device.cloud.shadows.get(undefined)?.state.reported as Record<string, unknown>;
        for (const [name, value] of last) {
          const [outer = '', inner] = name.split('.');
          const there = inner === undefined ? state?.[outer] : (state?.[outer] as never)?.[inner];
          expect([name, there]).toEqual([name, value ?? undefined]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
