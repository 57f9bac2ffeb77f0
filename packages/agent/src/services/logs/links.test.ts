import { mkdir, rm, symlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LogsWorld } from '../../../test/logs-world.ts';
import { until } from '../../../test/world.ts';

describe('a symbolic link', () => {
  it.each([
    ['to a file', 'logs/*.log', 'logs/evil.log', 'secret/key.log'],
    ['to a directory that fits', 'logs/*/key.log', 'logs/evil', 'secret'],
    ['to a directory below one that fits', 'logs/*/in/key.log', 'logs/app/in', 'secret'],
    ['to a directory within any', 'logs/**/key.log', 'logs/evil', 'secret'],
  ])('%s does not choose what a pattern sends', async (_what, path, link, target) => {
    await using world = await LogsWorld.create();
    for (const name of ['logs', 'logs/app', 'secret']) await mkdir(world.at(name));
    await world.write('secret/key.log', 'a secret\n');
    await symlink(world.at(target), world.at(link));
    await world.write('logs/good.log', 'seen\n');
    await world.start([
      { path, position: 'start' },
      { path: 'logs/good.log', position: 'start', stream: 'good' },
    ]);
    await until(() => world.cloud.messages().includes('seen'));
    await delay(60);
    expect(new Set(world.cloud.messages())).toEqual(new Set(['seen']));
  });

  it('may be what the configuration names, and may come to lead to another file', async () => {
    await using world = await LogsWorld.create();
    await world.write('first.log', 'one\n');
    await symlink(world.at('first.log'), world.at('current'));
    await world.start([{ path: 'current', position: 'start' }]);
    await world.sent(['one'], 'current');
    await world.write('second.log', 'two\n');
    await rm(world.at('current'));
    await symlink(world.at('second.log'), world.at('current'));
    await world.sent(['one', 'two'], 'current');
  });
});
