import { chmod, mkdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Directory } from '../test/world.ts';
import { logDestination } from './log-destination.ts';
import { LogTap } from './log-tap.ts';

describe('the log of the program', () => {
  it('lends what it wrote, and what it writes, and holds the latest thousand lines', () => {
    const tap = new LogTap('ioto', 'info', { write: () => undefined });
    for (let n = 0; n < 1100; n += 1) tap.logger.info({ n }, 'x');
    const lent: string[] = [];
    const detach = tap.attach((line) => lent.push(line));
    tap.logger.info({ n: 1100 }, 'x');
    detach();
    tap.logger.info({ n: 1101 }, 'x');
    expect(tap.recent()).toHaveLength(1000);
    const numbers = lent.map((line) => (JSON.parse(line) as { n: number }).n);
    expect([numbers[0], numbers.at(-1), numbers.length]).toEqual([100, 1100, 1001]);
  });

  it('may be told to write more, or less, while it runs, in all its parts', () => {
    const tap = new LogTap('ioto', 'warn', { write: () => undefined });
    const part = tap.logger.child({ part: 'a' });
    part.info({}, 'not this');
    tap.level = 'debug';
    part.debug({}, 'this');
    tap.level = 'silent';
    part.error({}, 'not that');
    expect(tap.recent().map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['this']);
  });

  it('goes to a file, also after that was rotated, or says why it cannot', async () => {
    await using directory = await Directory.create();
    const path = directory.at('log', 'ioto.log');
    const destination = logDestination(path);
    destination.write('a\n');
    destination.write('b\n');
    expect(await readFile(path, 'utf8')).toBe('a\nb\n');
    await mkdir(directory.at('is-a-directory'));
    await chmod(directory.at('is-a-directory'), 0o700);
    expect(() => logDestination(directory.at('is-a-directory'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
