import { silentLogger } from '@ioto/runtime';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { connectPacket } from '@ioto/testkit/old-agent/packets';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CredentialBearer } from '../../ports/credential-issuer.ts';
import { MqttEndpoint } from './mqtt-endpoint.ts';
import { welcomingGate, welcomingTools } from './welcoming-gates.fixture.ts';

const ACCOUNT = '01J0000000000000000000000A';
const DEVICE = 'JT08FFQXWQ';
const BEARERS: Record<'device' | 'tool', CredentialBearer> = {
  device: { kind: 'device', deviceId: DEVICE, accountId: ACCOUNT, generation: 1 },
  tool: { kind: 'tool', accountId: ACCOUNT, role: 'viewer', sponsor: { by: 'admin' } },
};

let clock: VirtualClock;
let endpoint: MqttEndpoint;

beforeEach(async () => {
  clock = new VirtualClock();
  endpoint = new MqttEndpoint({
    gate: () => welcomingGate,
    tools: () => welcomingTools,
    clock,
    logger: silentLogger,
  });
  await endpoint.start();
});
afterEach(() => endpoint.stop());

/** A connection by a credential that ends in so many seconds. */
async function connect(kind: 'device' | 'tool', seconds: number) {
  const [near, far] = memoryConnection();
  const state = { answer: '', ended: false };
  near.on('data', (bytes: Buffer) => {
    state.answer += bytes.toString('hex');
  });
  near
    .on('error', () => undefined)
    .on('end', () => {
      state.ended = true;
    });
  const credential = { bearer: BEARERS[kind], expires: clock.now() + seconds * 1000 };
  endpoint.accept(far, { remoteAddress: '192.0.2.1', credential });
  near.write(connectPacket(DEVICE));
  await settle(12);
  return state;
}

describe.each(['device', 'tool'] as const)('the connection of a %s', (kind) => {
  it('ends with its credential', async () => {
    const connection = await connect(kind, 900);
    expect(connection.answer).toBe('20020000');
    await clock.advance(899_999);
    expect(connection.ended).toBe(false);
    await clock.advance(1);
    expect(connection.ended).toBe(true);
  });

  it('that came after it with a later credential stays', async () => {
    const first = await connect(kind, 900);
    const second = await connect(kind, 1200);
    expect([first.ended, second.ended]).toEqual([true, false]);
    await clock.advance(900_000);
    expect(second.ended).toBe(false);
    await clock.advance(300_000);
    expect(second.ended).toBe(true);
  });

  it('is refused when its credential has ended since the WebSocket was opened', async () => {
    expect((await connect(kind, 0)).answer).toBe('20020005');
  });
});
