import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { ConnectionHistory } from './connection-history.ts';

let temporary: Awaited<ReturnType<typeof tempStore>>;
let clock: VirtualClock;
let history: ConnectionHistory;

beforeEach(async () => {
  temporary = await tempStore();
  clock = new VirtualClock();
  history = new ConnectionHistory({ store: temporary.store, clock, logger: silentLogger });
});
afterEach(() => temporary[Symbol.asyncDispose]());

const note = (count: number) => ({ limit: 'maxPayloadSize', count, detail: `time ${count}` });
const lost = { reason: 'CONNECTION_LOST', detail: 'the stream closed' };

describe('the history of a device’s connections', () => {
  it('is there at once, and after a restart', async () => {
    history.exceeded('D', 'A', note(1));
    history.exceeded('D', 'A', note(2));
    history.ended('D', 'A', lost);
    const expected = {
      lastDisconnect: lost,
      limits: { maxPayloadSize: { count: 3, detail: 'time 2' } },
    };
    expect(await history.of('D', 'A')).toMatchObject(expected);
    await history.stop();
    const later = new ConnectionHistory({ store: temporary.store, clock, logger: silentLogger });
    expect(await later.of('D', 'A')).toMatchObject(expected);
  });

  it('adds to what was written down before', async () => {
    history.exceeded('D', 'A', note(1));
    await clock.advance(2000);
    history.exceeded('D', 'A', { ...note(1), limit: 'maxSubscriptions' });
    history.exceeded('D', 'A', note(4));
    await history.stop();
    expect(await history.of('D', 'A')).toMatchObject({
      limits: { maxPayloadSize: { count: 5 }, maxSubscriptions: { count: 1 } },
    });
  });

  it('is not the next owner’s to see', async () => {
    history.exceeded('D', 'A', note(1));
    history.ended('D', 'A', lost);
    await history.stop();
    expect(await history.of('D', 'B')).toEqual({});
    history.exceeded('D', 'B', note(1));
    await history.stop();
    expect(await history.of('D', 'B')).toMatchObject({ limits: { maxPayloadSize: { count: 1 } } });
    expect(await history.of('D', 'A')).toEqual({});
  });

  it('of a flood costs one write', async () => {
    let writes = 0;
    temporary.store.onChange(() => {
      writes += 1;
    });
    for (let n = 0; n < 1000; n += 1) history.exceeded('D', 'A', note(1));
    await history.stop();
    expect(writes).toBe(1);
    expect(await history.of('D', 'A')).toMatchObject({ limits: { maxPayloadSize: { count: 1000 } } });
  });
});
