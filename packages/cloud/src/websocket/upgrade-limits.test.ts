import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { silentLogger } from '@ioto/runtime';
import { memoryConnection } from '@ioto/testkit/memory-duplex';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { notePeer } from '../http/connection-peer.ts';
import type { CredentialOpener } from '../ports/credential-issuer.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { amzDate, signedRequest } from '../sigv4/signed.fixture.ts';
import { MqttWebSocket, type WebSocketLimits } from './mqtt-websocket.ts';

const HANDSHAKE = [
  ...['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '13'],
  ...['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Protocol', 'mqtt'],
];

/** The door without a cloud around it, on a clock that only the test moves. */
async function door(open: CredentialOpener['open'], limits: Partial<WebSocketLimits> = {}) {
  const clock = new VirtualClock();
  const accepted: Peer[] = [];
  const refused: string[] = [];
  const webSocket = new MqttWebSocket({
    endpoint: { accept: (_stream, peer) => void accepted.push(peer) },
    credentials: { open },
    region: () => 'local',
    ...{ clock, limits, logger: silentLogger },
    onRefused: (code) => refused.push(code),
  });
  await webSocket.start();
  /** A signed request, and what comes back on its connection. */
  const ask = async (remoteAddress = '192.0.2.1', more: string[] = []) => {
    const [near, far] = memoryConnection();
    const answer = { text: '', ended: false };
    near.on('data', (bytes: Buffer) => {
      answer.text += bytes.toString('latin1');
    });
    near.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      near.on(event, () => {
        answer.ended = true;
      });
    }
    notePeer(far, { remoteAddress });
    const url = 'https://cloud.example/mqtt';
    const { method, target, rawHeaders } = await signedRequest({ url, presigned: true, at: clock.now() });
    webSocket.upgrade(
      asReceived({ method, target, socket: far }, [...rawHeaders, ...HANDSHAKE, ...more]),
      far,
      Buffer.alloc(0),
    );
    await settle();
    return answer;
  };
  return { clock, accepted, refused, webSocket, ask };
}

function asReceived(
  { method, target, socket }: { method: string; target: string; socket: Duplex },
  rawHeaders: string[],
): IncomingMessage {
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers[String(rawHeaders[at]).toLowerCase()] = String(rawHeaders[at + 1]);
  return { method, url: target, headers, rawHeaders, socket } as unknown as IncomingMessage;
}

const unknown: CredentialOpener['open'] = async () => {
  throw new Error(`no credential is known at ${amzDate(0)}`);
};

describe('a request for a WebSocket', () => {
  it('that takes too long to look at is answered that it does, and not served later', async () => {
    let found: (value: never) => void = () => undefined;
    const late = new Promise<never>((resolve) => {
      found = resolve;
    });
    const { ask, clock, refused, accepted } = await door(() => late);
    const answer = await ask();
    await clock.advance(9999);
    expect(answer.text).toBe('');
    await clock.advance(1);
    expect(answer.text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    found({ secret: 'x', bearer: { bearer: {}, expires: 0 } } as never);
    await settle();
    expect([refused, accepted]).toEqual([['UPGRADE_TOO_LATE'], []]);
  });

  it('of an address that floods is answered when to come again; others are not held up', async () => {
    const { ask, refused } = await door(unknown, { requests: { burst: 2, period: 10_000 } });
    await ask();
    await ask();
    const answer = await ask();
    expect(answer.text).toMatch(/^HTTP\/1\.1 429 .*\r\nRetry-After: 5\r\n/s);
    await ask('192.0.2.2');
    expect(refused).toEqual(['INTERNAL', 'INTERNAL', 'ADDRESS_TOO_BUSY', 'INTERNAL']);
  });

  it('that cannot be looked at says nothing of why, and ends', async () => {
    const { ask } = await door(unknown);
    const answer = await ask();
    expect(answer.text).toMatch(/^HTTP\/1\.1 500 .*"code":"INTERNAL"/s);
    expect(answer.text).not.toContain('no credential is known');
    expect(answer.ended).toBe(true);
  });

  it('that is under way when the cloud stops is let go', async () => {
    const { ask, webSocket } = await door(() => new Promise(() => undefined));
    const answer = await ask();
    await webSocket.stop();
    await settle();
    expect(answer).toEqual({ text: '', ended: true });
  });
});
