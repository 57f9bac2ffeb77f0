import { expect, test } from 'vitest';
import { Emitter } from './events.ts';

type Events = { tick: number };

test('a listener that throws does not keep the next from hearing', async () => {
  const faults: unknown[] = [];
  const emitter = new Emitter<Events>((_event, error) => faults.push(error));
  const heard: number[] = [];
  emitter.on('tick', () => {
    throw new Error('sync');
  });
  emitter.on('tick', async () => {
    throw new Error('async');
  });
  emitter.on('tick', (n) => heard.push(n));
  emitter.emit('tick', 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual([1]);
  expect(faults.map(String)).toEqual(['Error: sync', 'Error: async']);
});

test('the next event can be awaited, and the wait can be given up', async () => {
  const emitter = new Emitter<Events>(() => undefined);
  const next = emitter.next('tick');
  emitter.emit('tick', 7);
  expect(await next).toBe(7);
  const abort = new AbortController();
  const given = emitter.next('tick', abort.signal);
  abort.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
});
