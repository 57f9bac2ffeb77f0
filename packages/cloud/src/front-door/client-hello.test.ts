import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realHello } from './client-hello.fixture.ts';
import { LONGEST_CLIENT_HELLO, readClientHello } from './client-hello.ts';

/** The same message, cut into records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe('reading a ClientHello', () => {
  it('finds the protocols that TLS 1.2 and 1.3 clients offer', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const offered = await realHello({ ALPNProtocols: ['x-amzn-mqtt-ca', 'mqtt'], maxVersion });
      expect(readClientHello(offered)).toEqual({ state: 'complete', alpn: ['x-amzn-mqtt-ca', 'mqtt'] });
      const none = await realHello({ maxVersion });
      expect(readClientHello(none)).toEqual({ state: 'complete', alpn: [] });
    }
  });

  it('waits for the rest of every true beginning', async () => {
    const hello = await realHello({ ALPNProtocols: ['mqtt'], servername: 'cloud.example' });
    for (let length = 0; length < hello.length; length += 1) {
      expect(readClientHello(hello.subarray(0, length))).toEqual({ state: 'incomplete' });
    }
  });

  it('puts a ClientHello together that came in several records, but not in a crowd of them', async () => {
    const hello = await realHello({ ALPNProtocols: ['mqtt'] });
    const few = inRecords(hello, 100);
    expect(readClientHello(few)).toEqual({ state: 'complete', alpn: ['mqtt'] });
    expect(readClientHello(few.subarray(0, few.length - 1))).toEqual({ state: 'incomplete' });
    expect(readClientHello(inRecords(hello, 3))).toMatchObject({ state: 'malformed' });
  });

  it('knows at once what is not TLS, and what is too long', () => {
    for (const bytes of ['GET / HTTP/1.1\r\n', '\u0010\u0010\u0000\u0004MQTT']) {
      expect(readClientHello(Buffer.from(bytes))).toMatchObject({ state: 'malformed' });
    }
    const long = Buffer.alloc(5 + 4);
    long.set([22, 3, 1, 0x40, 0, 1]);
    long.writeUIntBE(LONGEST_CLIENT_HELLO, 6, 3);
    expect(readClientHello(long)).toMatchObject({
      state: 'malformed',
      reason: 'the ClientHello is too long',
    });
  });

  it('never throws, whatever a stranger sends', async () => {
    const hello = await realHello({ ALPNProtocols: ['mqtt'] });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 8 }), (edits) => {
        const bytes = Buffer.from(hello);
        for (const [at, value] of edits) bytes[at] = value;
        expect(['incomplete', 'malformed', 'complete']).toContain(readClientHello(bytes).state);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readClientHello(Buffer.from(bytes))),
    );
  });
});
