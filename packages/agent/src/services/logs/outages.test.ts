import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../../test/fake-logs.ts';
import { DEVICE, LogsWorld } from '../../../test/logs-world.ts';
import { until } from '../../../test/world.ts';
import { LogTap } from '../../log-tap.ts';

const A_WHILE = 80;
const AWAY = { status: 503, body: { __type: 'ServiceUnavailableException', message: 'away' } };

function newTap(): LogTap {
  return new LogTap('ioto', 'info', { write: () => undefined });
}

/** The cloud is there again, and the agent hears of it. */
function returns(world: LogsWorld): void {
  world.cloud.intercept = () => undefined;
  world.events.emit('device:claimed', { id: DEVICE, accountId: 'account', api: '' });
}

function linesOf(world: LogsWorld, stream?: string): unknown[] {
  return world.cloud.messages(stream).map((line) => {
    const { msg, gap } = JSON.parse(line) as { msg?: string; gap?: { lines: number } };
    return gap ?? msg;
  });
}

describe('logs of a device', () => {
  it('wait while the cloud is away, and arrive once', async () => {
    await using world = await LogsWorld.create();
    await world.write('app.log', '1\n2\n');
    world.cloud.intercept = () => AWAY;
    await world.start([{ path: 'app.log', position: 'start' }]);
    await delay(A_WHILE);
    await world.append('app.log', '3\n');
    expect(world.cloud.puts).toEqual([]);
    returns(world);
    await world.sent(['1', '2', '3']);
  });

  it('wait until somebody has the device', async () => {
    await using world = await LogsWorld.create();
    world.owner = undefined;
    const log = newTap();
    log.logger.info({}, 'started');
    await world.start([], { log });
    await delay(A_WHILE);
    expect(world.cloud.operations).toEqual([]);
    world.owner = 'account';
    returns(world);
    await until(() => linesOf(world).length === 1);
    expect(linesOf(world)).toEqual(['started']);
  });

  it('are not shown to the next owner', async () => {
    await using world = await LogsWorld.create();
    const log = newTap();
    await world.write('app.log', '');
    const files = [{ path: 'app.log' }, { command: 'echo secret; sleep 30' }];
    await world.start(files, { log });
    await delay(A_WHILE);
    world.cloud.puts.length = 0;
    world.cloud.intercept = () => AWAY;
    log.logger.info({}, 'secret');
    await world.append('app.log', 'secret\n');
    await delay(A_WHILE);
    world.owner = undefined;
    await delay(A_WHILE);
    world.owner = 'another';
    returns(world);
    await delay(A_WHILE);
    await world.append('app.log', 'new\n');
    log.logger.info({}, 'new');
    await until(() => world.cloud.messages().length >= 2);
    expect(JSON.stringify(world.cloud.puts)).not.toContain('secret');
    const at = world.at('state/db/logs/own');
    const kept = await Promise.all((await readdir(at)).map((name) => readFile(`${at}/${name}`, 'utf8')));
    expect(kept.join('')).not.toContain('secret');
  });

  it('are kept over a restart, and bounded: the oldest go, and a line says how many', async () => {
    await using world = await LogsWorld.create();
    const log = newTap();
    world.cloud.intercept = () => AWAY;
    await world.start([], { log, maxSpool: 64 * 1024 });
    const total = 2000;
    for (let n = 0; n < total; n += 1) {
      log.logger.info({ n }, 'a line of some hundred bytes, as the log of a program has them');
      if (n % 50 === 0) await delay(1);
    }
    await delay(A_WHILE);
    await world.stop();
    const at = world.at('state/db/logs/own');
    const sizes = await Promise.all(
      (await readdir(at)).map(async (name) => (await stat(`${at}/${name}`)).size),
    );
    expect(sizes.reduce((a, b) => a + b)).toBeLessThan(90 * 1024);
    world.cloud.intercept = () => undefined;
    await world.start([], { log: newTap(), maxSpool: 64 * 1024 });
    const numbers = () =>
      world.cloud.messages().map((line) => JSON.parse(line) as { n?: number; gap?: { lines: number } });
    await until(() => numbers().some(({ n }) => n === total - 1));
    const kept = numbers().flatMap(({ n }) => (n === undefined ? [] : [n]));
    const lost = numbers().reduce((sum, { gap }) => sum + (gap?.lines ?? 0), 0);
    expect(lost).toBeGreaterThan(1000);
    expect(lost + kept.length).toBe(total);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    expect(world.told[0]).toMatchObject({ event: 'logs:gap', facts: { source: 'own log' } });
  });

  it('that have no room on disk are counted, and files go on', async () => {
    await using world = await LogsWorld.create();
    const log = newTap();
    await world.write('app.log', '');
    await world.start([{ path: 'app.log' }], { log });
    await delay(A_WHILE);
    const spool = world.at('state/db/logs/own');
    await rm(spool, { recursive: true });
    log.logger.info({}, 'lost');
    log.logger.info({}, 'lost as well');
    await world.append('app.log', 'of a file\n');
    await world.sent(['of a file'], 'app.log');
    await until(() => world.told.length > 0);
    await mkdir(spool);
    log.logger.info({}, 'kept');
    const own = () => linesOf(world, `ioto/${DEVICE}/own`);
    await until(() => own().includes('kept'));
    expect(own().find((line) => typeof line === 'object')).toMatchObject({ lines: 2 });
    expect(own()).not.toContain('lost');
  });

  it('that the cloud refuses hold nobody else up', async () => {
    await using world = await LogsWorld.create();
    world.cloud.intercept = (operation, { logGroupName }) =>
      logGroupName === 'forbidden' && operation === 'CreateLogGroup'
        ? refusal('AccessDeniedException', 'not yours')
        : undefined;
    await world.write('a.log', 'a\n');
    await world.write('b.log', 'b\n');
    await world.start([
      { path: 'a.log', position: 'start', group: 'forbidden' },
      { path: 'b.log', position: 'start' },
    ]);
    await world.sent(['b']);
    await until(() => world.told.length > 0);
    expect(world.told[0]?.facts).toEqual({
      group: 'forbidden',
      stream: `${DEVICE}/a.log`,
      code: 'AccessDeniedException',
      message: 'not yours',
    });
    const asked = world.cloud.operations.length;
    await delay(A_WHILE);
    expect(world.cloud.operations.length).toBe(asked);
    returns(world);
    await world.sent(['b', 'a']);
  });

  it('whose group may not be made stay where they are', async () => {
    await using world = await LogsWorld.create();
    await world.write('a.log', 'a\n');
    await world.start([{ path: 'a.log', position: 'start', create: false }]);
    await until(() => world.told.length > 0);
    expect(world.told[0]?.facts).toMatchObject({ code: 'ResourceNotFoundException' });
    expect(world.cloud.groups.size).toBe(0);
  });

  it('go in smaller portions when the cloud does not take a large one, and one bad line goes alone', async () => {
    await using world = await LogsWorld.create();
    world.cloud.intercept = (operation, { logEvents }) =>
      operation === 'PutLogEvents' && JSON.stringify(logEvents).includes('bad')
        ? refusal('InvalidParameterException', 'bad')
        : undefined;
    await world.write('a.log', '1\n2\n3\nbad\n4\n5\n');
    await world.start([{ path: 'a.log', position: 'start' }]);
    await world.sent(['1', '2', '3', '4', '5']);
    expect(world.told.map(({ event }) => event).sort()).toEqual(['logs:gap', 'logs:refused']);
  });

  it('that the cloud finds too old are counted', async () => {
    await using world = await LogsWorld.create();
    world.cloud.intercept = (operation) =>
      operation === 'PutLogEvents'
        ? { status: 200, body: { rejectedLogEventsInfo: { tooOldLogEventEndIndex: 2 } } }
        : undefined;
    await world.write('a.log', '1\n2\n3\n');
    await world.start([{ path: 'a.log', position: 'start' }]);
    await until(() => world.told.length > 0);
    expect(world.told[0]).toMatchObject({ event: 'logs:gap', facts: { lines: 2 } });
  });

  it('are dated by the cloud, whatever the device takes for the time', async () => {
    await using world = await LogsWorld.create();
    world.ahead = -20 * 86_400_000;
    const log = newTap();
    await world.start([], { log });
    log.logger.info({}, 'now');
    await until(() => world.cloud.puts.length > 0);
    const time = world.cloud.puts[0]?.events[0]?.timestamp ?? 0;
    expect(Math.abs(time - (Date.now() + world.ahead))).toBeLessThan(60_000);
  });

  it('say once that they cannot be sent, and once that they can again', async () => {
    await using world = await LogsWorld.create();
    const said: string[] = [];
    const log: Logger = {
      ...world.logger,
      info: (_facts, message) => said.push(message),
      warn: (_facts, message) => said.push(message),
    };
    world.logger = log;
    await world.write('a.log', 'a\n');
    world.cloud.intercept = () => 'cut off';
    await world.start([{ path: 'a.log', position: 'start' }]);
    await until(() => world.cloud.operations.length > 0);
    world.events.emit('device:claimed', { id: DEVICE, accountId: 'account', api: '' });
    await until(() => world.cloud.operations.length > 1);
    await delay(A_WHILE);
    returns(world);
    await world.sent(['a']);
    await delay(A_WHILE);
    expect(said).toEqual(['lines of logs cannot be sent: they wait', 'lines of logs are in the cloud again']);
  });
});
