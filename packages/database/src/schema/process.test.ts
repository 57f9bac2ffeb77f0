import { describe, expect, it } from 'vitest';
import { compileProcess } from './process.ts';

describe('the rules of process.MODEL', () => {
  it('say how urgent its changes are, how many may wait, and how long what the cloud has is kept', () => {
    const rules = { sync: 'up', priority: 3, queue: { max: 10, full: 'oldest' }, keep: '7 days' };
    expect(compileProcess(rules, 'Log')).toMatchObject({
      priority: 3,
      queue: { max: 10, full: 'oldest' },
      keep: 7 * 86_400_000,
    });
  });

  it('say who may have its items from the web server of the device', () => {
    expect(compileProcess({ web: { read: 'public', write: 'admin' } }, 'Log').web).toEqual({
      ...{ read: 'public', write: 'admin' },
    });
    expect(compileProcess({ web: { read: 'user' } }, 'Log').web?.write).toBeUndefined();
    expect(compileProcess({}, 'Log').web).toBeUndefined();
  });

  it('are, unless said otherwise, those of a model that loses nothing', () => {
    const usual = { priority: 5, queue: { full: 'refuse' }, keep: undefined };
    expect(compileProcess({ sync: 'up' }, 'Log')).toMatchObject(usual);
    expect(compileProcess(undefined, 'Log')).toMatchObject({ priority: 5, queue: { full: 'refuse' } });
    expect(compileProcess({ sync: 'up', queue: {}, keep: 'forever' }, 'Log')).toMatchObject(usual);
  });

  it.each([
    [{ priority: 10 }, 'process.Log.priority must be a whole number from 0 to 9'],
    [{ priority: 'high' }, 'process.Log.priority must be'],
    [{ queue: 100 }, 'process.Log.queue must be an object'],
    [{ queue: { max: 0 } }, 'process.Log.queue.max must be a whole number of at least 1'],
    [{ queue: { full: 'newest' } }, 'process.Log.queue.full must be one of oldest, refuse'],
    [{ queue: { maximum: 1 } }, 'process.Log.queue has the unsupported rule maximum'],
    [{ web: true }, 'process.Log.web must be an object'],
    [{ web: { write: 'user' } }, 'process.Log.web.read must be the name of a role'],
    [{ web: { read: 'user', remove: 'user' } }, 'process.Log.web has the unsupported rule remove'],
    [{ keep: 'a while' }, "process.Log.keep must be a time such as '7 days'"],
    [{ keep: '1 day', sync: 'both' }, "process.Log.keep needs sync 'up', but sync is 'both'"],
  ])('are refused as %j, with model, word and rule', (rules, message) => {
    expect(() => compileProcess({ sync: 'up', ...rules }, 'Log')).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
