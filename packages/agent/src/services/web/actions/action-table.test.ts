import { describe, expect, it } from 'vitest';
import { openWeb } from '../open-web.ts';
import { ActionTable } from './action-table.ts';

function table() {
  const actions = new ActionTable();
  const web = openWeb({ actions, running: () => undefined, needed: () => expect.fail() });
  return { actions, web, asked: (path: string) => actions.find(path)?.path };
}

const answer = () => 1;

describe('the actions of a program', () => {
  it('answer their own path, else what lies below the longest path that has one', () => {
    const { web, asked } = table();
    for (const path of ['/api/', '/api/lamp/', '/api/lamp/on', '/']) web.action(path, answer);
    expect(['/api/lamp/on', '/api/lamp/off', '/api/lamp', '/api/', '/apis'].map(asked)).toEqual([
      '/api/lamp/on',
      '/api/lamp/',
      '/api/',
      '/api/',
      '/',
    ]);
  });

  it('are told of as they come, until nobody listens', () => {
    const { web, actions } = table();
    const told: string[] = [];
    const stop = actions.onAdd(({ path }) => told.push(path));
    web.action('/a', answer);
    stop();
    web.action('/b', answer);
    expect(told).toEqual(['/a']);
  });

  it('have a path each, which is free again when one is taken away', () => {
    const { web, asked } = table();
    const remove = web.action('/api/', answer);
    expect(() => web.socket('/api/', answer)).toThrow(/WEB_ACTION_TAKEN|has an action already/);
    remove();
    expect(asked('/api/x')).toBeUndefined();
    const second = web.socket('/api/', { role: 'user' }, answer);
    remove();
    expect(asked('/api/x')).toBe('/api/');
    second();
    expect(asked('/api/x')).toBeUndefined();
  });

  it.each(['api', '', '/a?b', '/a%20b', '/a//b', '/../a', '/a/./b', '/a\\b'])(
    'have no path such as %j',
    (path) => {
      expect(() => table().web.action(path, answer)).toThrow(JSON.stringify(path));
    },
  );

  it('have a handler', () => {
    expect(() => table().web.action('/a', {}, undefined as never)).toThrow('/a has no handler');
  });
});
