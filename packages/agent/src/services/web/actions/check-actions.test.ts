import { describe, expect, it } from 'vitest';
import type { ActionOptions } from '../web-api.ts';
import { WebWorld } from '../web-world.fixture.ts';

const routes = [
  { match: '/pages/' },
  { match: '/api/', handler: 'action', methods: ['GET'] },
  { match: '/basic/', handler: 'action', authType: 'basic' },
];

describe('an action that nobody will ever reach', () => {
  it.each<[string, ActionOptions, string | undefined]>([
    ['/pages/lamp', {}, 'belongs to a route with another handler'],
    ['/api/lamp', { methods: ['PUT'] }, 'its route names none of its methods'],
    ['/api/lamp', { role: 'king' }, 'no role of auth.roles'],
    ['/api/lamp', { role: 'user' }, 'sessions.enable is false'],
    ['/api/lamp', { role: 'public' }, undefined],
    ['/basic/lamp', { role: 'user' }, undefined],
    ['/lamp', { methods: ['PUT'] }, undefined],
  ])('is warned of, be it there at the start or later: %s %j', async (path, options, warning) => {
    const action = { path, options, handler: () => 1 };
    const web = { routes, sessions: { enable: false } };
    const prepare = ({ actions }: WebWorld) => void actions.add(action);
    await using before = await WebWorld.create({ web, prepare });
    await using after = await WebWorld.create({ web });
    after.actions.add(action);
    await new Promise(setImmediate);
    for (const { warnings } of [before, after]) {
      expect(warnings).toEqual(warning === undefined ? [] : [expect.stringContaining(warning)]);
    }
    await after.stop();
    after.actions.add({ ...action, path: '/pages/other' });
    await new Promise(setImmediate);
    expect(after.warnings.length).toBe(warning === undefined ? 0 : 1);
  });
});
