import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { signalGroup, startGroup } from './group.ts';

const failure = (start: (failed: (error: Error) => void) => unknown) =>
  new Promise<Error>((resolve) => void start(resolve));

describe('a program that cannot be started', () => {
  it('for want of descriptors has no outputs, and whoever started it hears why', async () => {
    const error = await failure((failed) => {
      const child = startGroup('x', [], {}, failed, () => {
        const child = new EventEmitter() as ChildProcess;
        process.nextTick(() => child.emit('error', new Error('spawn x EMFILE')));
        return child;
      });
      child?.stdout?.on('data', () => undefined);
    });
    expect(error.message).toBe('spawn x EMFILE');
  });

  it('because Node refuses at once is told of as well', async () => {
    const error = await failure((failed) => {
      expect(startGroup('x\0y', [], {}, failed)).toBeUndefined();
    });
    expect(error.message).toContain('null bytes');
  });

  it('because it is not there is told of', async () => {
    const error = await failure((failed) => startGroup('/nowhere/program', [], {}, failed));
    expect(error.message).toContain('ENOENT');
  });
});

describe('a group of processes', () => {
  it('is ended whole', async () => {
    const child = startGroup(
      '/bin/sh',
      ['-c', 'sleep 100 & echo; wait'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
      () => undefined,
    );
    await once(child?.stdout as EventEmitter, 'data');
    signalGroup(child, 'SIGKILL');
    // The output is closed once nobody holds it any more, the sleep included.
    await once(child as ChildProcess, 'close');
    expect(child?.signalCode).toBe('SIGKILL');
    signalGroup(child, 'SIGKILL');
  });
});
