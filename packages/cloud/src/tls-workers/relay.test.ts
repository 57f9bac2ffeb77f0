import type { Duplex } from 'node:stream';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { relay, relayLimits } from './relay.ts';

let clock: VirtualClock;
/** The far ends: what stands at the other end of the network, and in the core. */
let peer: Duplex;
let core: Duplex;

beforeEach(() => {
  clock = new VirtualClock();
  const [near, far] = memoryConnection();
  const [nearCore, farCore] = memoryConnection();
  peer = far;
  core = farCore;
  for (const end of [peer, core]) end.on('error', () => undefined);
  relay(near, nearCore, clock);
});

/** Everything that is said to an end from now on. */
function heardBy(end: Duplex): { text: () => string; ended: () => boolean } {
  let text = '';
  let ended = false;
  end.on('data', (bytes) => {
    text += bytes;
  });
  end.on('end', () => {
    ended = true;
  });
  return { text: () => text, ended: () => ended };
}

/** Writes until nothing more is taken, and says how many bytes that were. */
async function writeUntilFull(end: Duplex): Promise<number> {
  let taken = 0;
  let stuck = 0;
  while (stuck < 20) {
    if (!end.writableNeedDrain) {
      stuck = 0;
      taken += 1024;
      end.write(Buffer.alloc(1024, 'x'));
    } else stuck += 1;
    await settle(1);
  }
  return taken;
}

describe('a connection that a worker relays', () => {
  it('carries what is said, both ways', async () => {
    const atCore = heardBy(core);
    const atPeer = heardBy(peer);
    peer.write('one ');
    core.write('two ');
    await settle();
    peer.write('more');
    core.write('more');
    await settle();
    expect([atCore.text(), atPeer.text()]).toEqual(['one more', 'two more']);
  });

  it.each<[string, () => [Duplex, Duplex]]>([
    ['peer', () => [core, peer]],
    ['core', () => [peer, core]],
  ])('goes at the pace of a %s that takes nothing, and on when it does', async (_slow, ends) => {
    const [from, to] = ends();
    const taken = await writeUntilFull(from);
    expect(taken).toBeGreaterThan(1024);
    expect(taken).toBeLessThan(256 * 1024);
    const heard = heardBy(to);
    await settle(500);
    expect(heard.text()).toHaveLength(taken);
    from.write('on');
    await settle();
    expect(heard.text().endsWith('on')).toBe(true);
  });

  it('whose peer has nothing more to say still gets its answer', async () => {
    const atCore = heardBy(core);
    const atPeer = heardBy(peer);
    peer.end('question');
    await settle();
    expect([atCore.text(), atCore.ended()]).toEqual(['question', true]);
    expect(peer.destroyed).toBe(false);
    core.end('answer');
    await settle(20);
    expect([atPeer.text(), atPeer.ended()]).toEqual(['answer', true]);
    expect([peer.destroyed, core.destroyed, clock.pending]).toEqual([true, true, 0]);
  });

  it('that the core ends, ends when its peer has heard all, and ends its side', async () => {
    const atPeer = heardBy(peer);
    core.write('goodbye');
    core.end();
    await settle(20);
    expect([atPeer.text(), atPeer.ended(), peer.destroyed]).toEqual(['goodbye', true, false]);
    peer.end();
    await settle(20);
    expect([peer.destroyed, core.destroyed, clock.pending]).toEqual([true, true, 0]);
  });

  it('that the core ends, breaks off soon when its peer does not end its side', async () => {
    heardBy(peer);
    core.resume();
    core.end();
    await settle(20);
    await clock.advance(relayLimits.linger - 1);
    expect(peer.destroyed).toBe(false);
    await clock.advance(1);
    expect(peer.destroyed).toBe(true);
    await settle(20);
    expect(clock.pending).toBe(0);
  });

  it('that the core ends, breaks off in the end when its peer takes nothing', async () => {
    await writeUntilFull(core);
    core.end();
    // The end waits behind what the peer does not take; the core itself is gone by then.
    core.destroy();
    await settle(20);
    await clock.advance(relayLimits.flush * 2);
    expect(peer.destroyed).toBe(true);
    await settle(20);
    expect(clock.pending).toBe(0);
  });

  it('that breaks off at its peer breaks off at the core, with what had been said before', async () => {
    const atCore = heardBy(core);
    peer.write('last words');
    await settle(2);
    peer.destroy();
    await settle(20);
    expect(atCore.text()).toBe('last words');
    expect(core.destroyed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('that breaks off at the core breaks off at its peer', async () => {
    heardBy(peer);
    core.destroy();
    await settle(20);
    expect(peer.destroyed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('that broke off does not wait for ever for a core that takes nothing', async () => {
    await writeUntilFull(peer);
    peer.destroy();
    await settle(20);
    expect(core.destroyed).toBe(false);
    await clock.advance(relayLimits.flush);
    await settle(20);
    expect(core.destroyed).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
