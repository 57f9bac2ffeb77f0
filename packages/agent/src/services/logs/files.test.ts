import { copyFile, rename, rm, truncate } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DEVICE, LogsWorld } from '../../../test/logs-world.ts';
import { until } from '../../../test/world.ts';

/** Time in which something would have happened that must not. */
const A_WHILE = 80;

describe('a log file that is sent to the cloud', () => {
  it('arrives in a stream of the device, whose group is made, from where it ended when the device saw it first', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', 'long ago\n');
    await world.start([{ path: 'app.log', stream: '{hostname}' }]);
    await delay(A_WHILE);
    await world.append('app.log', 'one\ntwo\n');
    await world.sent(['one', 'two']);
    expect([...world.cloud.groups]).toEqual(['ioto']);
    expect([...world.cloud.streams][0]).toMatch(new RegExp(`^ioto/${DEVICE}-.`));
    const times = world.cloud.puts[0]?.events.map(({ timestamp }) => timestamp) ?? [];
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('is sent from its beginning when that is asked for, or when it came later', async () => {
    await using world = await LogsWorld.create();
    await world.write('a.log', 'old\n');
    await world.start([{ path: 'a.log', position: 'start' }, { path: 'b.log' }]);
    await world.sent(['old'], 'a.log');
    await world.write('b.log', 'first\r\n\r\nsecond\r\n');
    await world.sent(['first', 'second'], 'b.log');
  });

  it('goes on where it was after a restart, and nothing comes twice', async () => {
    await using world = await LogsWorld.create();
    const entry = [{ path: 'app.log' }];
    await world.write('app.log', 'before\n');
    await world.start(entry);
    await delay(A_WHILE);
    await world.stop();
    await world.append('app.log', 'while off\n');
    await world.start(entry);
    await world.sent(['while off']);
    await world.stop();
    await world.start(entry);
    await world.append('app.log', 'on again\n');
    await world.sent(['while off', 'on again']);
  });

  it('waits for the end of a line, but not for ever', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', 'half a ');
    await world.start([{ path: 'app.log', position: 'start', linger: '300 ms' }]);
    await delay(A_WHILE);
    await world.append('app.log', 'line\nand a rest');
    await world.sent(['half a line', 'and a rest']);
  });

  it('is followed through a rotation, what was unsent of the old one first', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', '');
    await world.start([{ path: 'app.log' }]);
    await delay(A_WHILE);
    world.cloud.intercept = () => ({ status: 503, body: {} });
    await world.append('app.log', '1\n');
    await delay(A_WHILE);
    await rename(world.at('app.log'), world.at('app.log.1'));
    await world.write('app.log', '3\n');
    await world.append('app.log.1', '2\n');
    await delay(A_WHILE);
    world.cloud.intercept = () => undefined;
    world.events.emit('device:claimed', { id: DEVICE, accountId: 'account', api: '' });
    await until(() => world.cloud.messages().length === 3);
    expect(world.cloud.messages()).toEqual(['1', '2', '3']);
  });

  it('is found again when it was rotated while the device was off', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', 'sent\n');
    await world.start([{ path: 'app.log', position: 'start' }]);
    await world.sent(['sent']);
    await world.stop();
    await world.append('app.log', 'unsent\n');
    await rename(world.at('app.log'), world.at('app.log.1'));
    await world.write('app.log', 'new\n');
    await world.start([{ path: 'app.log', position: 'start' }]);
    await world.sent(['sent', 'unsent', 'new'], 'app.log');
  });

  it('is followed through being copied and emptied, also when it is longer again by then', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', 'one\n');
    await world.start([{ path: 'app.log', position: 'start' }]);
    await world.sent(['one'], 'app.log');
    await copyFile(world.at('app.log'), world.at('copy'));
    await truncate(world.at('app.log'));
    await world.append('app.log', 'two, which is longer than what was there\n');
    await world.sent(['one', 'two, which is longer than what was there'], 'app.log');
    await truncate(world.at('app.log'));
    await delay(A_WHILE);
    await world.append('app.log', '3\n');
    await until(() => world.cloud.messages().at(-1) === '3');
    expect(world.cloud.messages()).toHaveLength(3);
  });

  it('is sent to its end though it was removed', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', '');
    await world.start([{ path: 'app.log', linger: '150 ms' }]);
    await delay(A_WHILE);
    await world.append('app.log', 'last words\n');
    await delay(40);
    await rm(world.at('app.log'));
    await world.sent(['last words']);
  });

  it('may be many by a pattern, new ones too, each in its stream', async () => {
    await using world = await LogsWorld.create();
    await world.write('a.log', 'a\n');
    await world.write('b.log', 'b\n');
    await world.write('c.txt', 'c\n');
    await world.start([{ path: '?.log*', position: 'start' }]);
    await world.sent(['a'], 'a.log');
    await world.sent(['b'], 'b.log');
    await rename(world.at('a.log'), world.at('a.log.1'));
    await world.append('a.log.1', 'after\n');
    await world.sent(['a', 'after'], 'a.log');
    await world.sent(['b'], 'b.log');
  });

  it('makes an event of a line and what continues it', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', 'Error: x\n    at a\n\tat b\nnext\n  more\n');
    await world.write('dated.log', '2026-01-01 a\nb\n2026-01-02 c\n');
    await world.write('all.log', 'a\nb\n\nc');
    await world.start([
      { path: 'app.log', position: 'start' },
      { path: 'dated.log', position: 'start', continuation: '/^(?!\\d{4}-)/' },
      { path: 'all.log', position: 'start', lines: false },
    ]);
    await world.sent(['Error: x\n    at a\n\tat b', 'next\n  more'], 'app.log');
    await world.sent(['2026-01-01 a\nb', '2026-01-02 c'], 'dated.log');
    await world.sent(['a\nb\n\nc'], 'all.log');
  });

  it('may be binary, and have lines that are too long, which are cut and say so', async () => {
    await using world = await LogsWorld.create();
    const long = 'x'.repeat(3_000_000);
    await world.write(
      'app.log',
      Buffer.concat([
        Buffer.from([0x61, 0, 0xff, 0xfe, 0x1b, 0x0a]),
        Buffer.from(`${long}\nafter "it"\\ ä\n`),
      ]),
    );
    await world.start([{ path: 'app.log', position: 'start' }]);
    await until(() => world.cloud.messages().length === 3);
    const [binary, cut, after] = world.cloud.messages();
    expect(binary).toBe('a\ufffd\ufffd\ufffd\u001b');
    expect(cut).toBe(`${'x'.repeat(256_000)} …[cut 2744000 bytes]`);
    expect(after).toBe('after "it"\\ ä');
  });

  it('is sent at once when there is enough of it', async () => {
    await using world = await LogsWorld.create();
    await world.write('many.log', 'a\nb\nc\nd\n');
    await world.write('large.log', `${'x'.repeat(3000)}\n${'y'.repeat(3000)}\n${'z'.repeat(3000)}\n`);
    const patient = { position: 'start', linger: '1 hour', continuation: '' };
    await world.start([
      { path: 'many.log', maxEvents: 2, ...patient },
      { path: 'large.log', maxSize: '4k', ...patient },
    ]);
    await until(() => world.cloud.messages().length === 6);
    const counts = world.cloud.puts.map(({ stream, events }) => [stream.slice(-8), events.length]);
    expect(counts.sort()).toEqual([
      ['arge.log', 1],
      ['arge.log', 1],
      ['many.log', 2],
      ['many.log', 2],
    ]);
  });
});
