import * as library from 'pino';
import { expect, test } from 'vitest';
import * as standIn from './pino.ts';

type Make = typeof standIn.pino;

/** What each of the two writes of the same story, its times left out. */
function bothTell(story: (log: ReturnType<Make>) => void): [string[], string[]] {
  const lines = (pino: Make) => {
    const written: string[] = [];
    const options = {
      name: 'ioto',
      level: 'info',
      base: { name: 'ioto' },
      redact: { paths: ['token', '*.token', '*.*.token'], censor: '[secret]' },
      formatters: { level: (level: string) => ({ level }) },
      timestamp: library.pino.stdTimeFunctions.isoTime,
    } as const;
    story(pino(options, { write: (line) => written.push(line) }));
    return written.map((line) => line.replace(/"time":"20\d\d-\d\d-\d\dT[\d:.]+Z"/, '"time":""'));
  };
  return [lines(standIn.pino), lines(library.pino as unknown as Make)];
}

test('the stand-in for pino writes the same lines, of the same levels', () => {
  const [ours, theirs] = bothTell((log) => {
    log.debug({ a: 1 }, 'not told');
    log.info({ id: 'X', nothing: undefined, list: [1, { b: 'ü"\n' }], date: new Date(0) }, 'told');
    log.child({ part: 'sync' }).warn({ retryIn: 5 }, 'told of a part');
    log.error({}, 'alone');
  });
  expect(ours).toEqual(theirs);
  expect(ours).toHaveLength(3);
});

test('the stand-in for pino hides the same secrets', () => {
  const [ours, theirs] = bothTell((log) => {
    log.info({ token: 't0p', a: { token: 't0p', b: { token: 't0p', c: { token: 'deep' } } } }, 'told');
    log.child({ token: 't0p' }).info({ list: [{ token: 't0p' }], token: undefined }, 'told of a part');
  });
  expect(ours.map((line) => JSON.parse(line))).toEqual(theirs.map((line) => JSON.parse(line)));
  expect(ours.join('')).not.toContain('t0p');
});

test('what cannot be written is told of all the same', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const [ours] = bothTell((log) => log.warn({ a: { b: { c: loop } } }, 'round'));
  expect(JSON.parse(ours[0] ?? '')).toMatchObject({ level: 'warn', msg: 'round' });
});
