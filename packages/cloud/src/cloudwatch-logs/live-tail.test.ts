import { settle } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventReader, encodeEvent } from './event-stream.ts';
import { device, LogsWorld, tool } from './logs-world.fixture.ts';
import { tailLimits } from './tail-session.ts';

let world: LogsWorld;
beforeEach(async () => {
  world = await LogsWorld.create();
  await world.stream();
});
afterEach(() => world[Symbol.asyncDispose]());

interface Told {
  type: string;
  content: {
    sessionResults?: { message: string }[];
    sessionMetadata?: { sampled: boolean };
    message?: string;
  };
}

/** What a client reads of a tail. */
async function follow(input: object, caller = tool('viewer')) {
  const { stream, contentType } = await world.tail({ logGroupIdentifiers: ['ioto'], ...input }, caller);
  const reader = new EventReader();
  const told: Told[] = [];
  let isOver = false;
  stream.on('data', (chunk: Buffer) => {
    for (const { headers, payload } of reader.read(chunk)) {
      const type = headers[':exception-type'] ?? headers[':event-type'] ?? '';
      told.push({ type, content: JSON.parse(payload.toString()) });
    }
  });
  stream.on('close', () => {
    isOver = true;
  });
  await settle();
  const lines = () =>
    told.flatMap(({ content }) => content.sessionResults ?? []).map(({ message }) => message);
  return { told, lines, stream, contentType, isOver: () => isOver };
}

const put = (logStreamName: string, ...messages: string[]) =>
  world.call('PutLogEvents', { logGroupName: 'ioto', logStreamName, logEvents: world.events(...messages) });

describe('a live tail', () => {
  it('begins with the session, then tells each second what has come', async () => {
    const tail = await follow({ logEventFilterPattern: 'ERROR' });
    expect(tail.contentType).toBe('application/vnd.amazon.eventstream');
    expect(tail.told.map(({ type }) => type)).toEqual(['initial-response', 'sessionStart']);
    await put('LAMP', 'INFO on', 'ERROR dark');
    await world.clock.advance(1000);
    await put('LAMP', 'ERROR again');
    await world.clock.advance(2000);
    expect(tail.lines()).toEqual(['ERROR dark', 'ERROR again']);
    expect(tail.told.slice(2).map(({ type }) => type)).toEqual(Array(3).fill('sessionUpdate'));
    expect(tail.told[2]?.content.sessionMetadata).toEqual({ sampled: false });
  });

  it('shows the streams that were asked for, and a device its own', async () => {
    for (const logStreamName of ['LAMP/app', 'LAMP2']) {
      await world.call('CreateLogStream', { logGroupName: 'ioto', logStreamName });
    }
    const named = await follow({ logStreamNames: ['LAMP2'] });
    const own = await follow({ logStreamNamePrefixes: ['LAMP'] }, device('LAMP'));
    for (const stream of ['LAMP', 'LAMP/app', 'LAMP2']) await put(stream, `of ${stream}`);
    await world.clock.advance(1000);
    expect(named.lines()).toEqual(['of LAMP2']);
    expect(own.lines()).toEqual(['of LAMP', 'of LAMP/app']);
  });

  it('shows a part of what comes too fast, and says so', async () => {
    const tail = await follow({});
    await put('LAMP', ...Array(700).fill('line'));
    await world.clock.advance(1000);
    expect(tail.lines()).toHaveLength(500);
    expect(tail.told[2]?.content.sessionMetadata).toEqual({ sampled: true });
    await put('LAMP', 'later');
    await world.clock.advance(1000);
    expect(tail.lines().slice(500)).toEqual(['later']);
  });

  it('tells at most a megabyte at once', async () => {
    const tail = await follow({});
    for (let i = 0; i < 3; i += 1) await put('LAMP', ...Array(3).fill(`${i}${'x'.repeat(200_000)}`));
    await world.clock.advance(1000);
    await put('LAMP', 'later');
    await world.clock.advance(1000);
    expect(tail.lines().map((line) => line.slice(0, 5))).toEqual([
      ...Array(3).fill('0xxxx'),
      ...Array(2).fill('1xxxx'),
      'later',
    ]);
    expect(tail.told.slice(2).map(({ content }) => content.sessionMetadata?.sampled)).toEqual([true, false]);
  });

  it('holds back from a client that does not read, and no more than so much', async () => {
    const { stream } = await world.tail({ logGroupIdentifiers: ['ioto'] });
    const big = Array(4).fill('x'.repeat(200_000));
    for (let i = 0; i < 8; i += 1) {
      await put('LAMP', ...big);
      await world.clock.advance(1000);
    }
    expect(stream.readableLength).toBeLessThan(tailLimits.unsent + 2 ** 20);
  });

  it('ends with the credential of its caller, and when that one has lost its right', async () => {
    // Its credential ends before it.
    const short = await follow({}, { ...tool('viewer'), expires: world.clock.now() + 60_000 });
    await world.clock.advance(59_000);
    expect(short.isOver()).toBe(false);
    await world.clock.advance(1000);
    expect([short.told.at(-1)?.type, short.isOver()]).toEqual(['SessionTimeoutException', true]);
    const unwelcome = await follow({});
    world.objection = 'the login has ended';
    await world.clock.advance(11_000);
    expect(unwelcome.told.at(-1)).toEqual({
      type: 'SessionStreamingException',
      content: { message: 'the login has ended' },
    });
    expect(unwelcome.isOver()).toBe(true);
  });

  it('is one of fifteen of an account', async () => {
    const tails = await Promise.all(Array.from({ length: 15 }, () => follow({})));
    const input = { logGroupIdentifiers: ['ioto'] };
    expect((await world.refusal('StartLiveTail', input))[0]).toBe('LimitExceededException');
    tails[0]?.stream.destroy();
    await settle();
    expect(await world.refusal('StartLiveTail', input)).toEqual(['none', '']);
    const unknown = { logGroupIdentifiers: ['none'] };
    expect((await world.refusal('StartLiveTail', unknown))[0]).toBe('ResourceNotFoundException');
  });
});

describe('an event stream', () => {
  it('is read in pieces of any size', () => {
    const message = { headers: { ':event-type': 'x', other: 'größe' }, payload: Buffer.from('{"a":1}') };
    const bytes = Buffer.concat(
      [message, message].map(({ headers, payload }) => encodeEvent(headers, payload)),
    );
    for (let size = 1; size <= bytes.length; size += 1) {
      const reader = new EventReader();
      const found = [];
      for (let at = 0; at < bytes.length; at += size)
        found.push(...reader.read(bytes.subarray(at, at + size)));
      expect(found).toEqual([message, message]);
    }
  });
});
