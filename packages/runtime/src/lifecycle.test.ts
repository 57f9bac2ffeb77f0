import { expect, test } from 'vitest';
import { type Component, Lifecycle } from './lifecycle.ts';

function world() {
  const story: string[] = [];
  const component = (name: string, faults: { start?: Error; stop?: Error } = {}): Component => ({
    name,
    async start() {
      story.push(`start ${name}`);
      if (faults.start) throw faults.start;
    },
    async stop() {
      story.push(`stop ${name}`);
      if (faults.stop) throw faults.stop;
    },
  });
  return { story, component };
}

test('components start in order and stop in reverse', async () => {
  const { story, component } = world();
  const life = new Lifecycle([component('a'), component('b')]);
  await life.start();
  await life.stop();
  expect(story).toEqual(['start a', 'start b', 'stop b', 'stop a']);
});

test('a component that fails to start takes down what had started, itself included, and nothing later', async () => {
  const { story, component } = world();
  const life = new Lifecycle([
    component('a'),
    component('b', { start: new Error('no port') }),
    component('c'),
  ]);
  await expect(life.start()).rejects.toThrow('no port');
  expect(story).toEqual(['start a', 'start b', 'stop b', 'stop a']);
});

test('one that fails to stop does not keep the others running', async () => {
  const { story, component } = world();
  const life = new Lifecycle([component('a'), component('b', { stop: new Error('stuck') })]);
  await life.start();
  await expect(life.stop()).rejects.toMatchObject({ code: 'STOP_FAILED' });
  expect(story.slice(2)).toEqual(['stop b', 'stop a']);
});

test('two stops at once stop once', async () => {
  const { story, component } = world();
  const life = new Lifecycle([component('a')]);
  await life.start();
  await Promise.all([life.stop(), life.stop()]);
  expect(story).toEqual(['start a', 'stop a']);
});

test('an aborted start stops what had started', async () => {
  const { story, component } = world();
  const abort = new AbortController();
  const first: Component = { ...component('a'), start: async () => void abort.abort(new Error('SIGTERM')) };
  await expect(new Lifecycle([first, component('b')]).start(abort.signal)).rejects.toThrow('SIGTERM');
  expect(story).toEqual(['stop a']);
});
