import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobsWorld } from '../../../test/jobs-world.ts';
import { until } from '../../../test/world.ts';
import type { UpdateState, Updates } from '../../service-apis.ts';
import { detailsFor, lastBytes } from './details.ts';

const NODE = process.execPath;
/** Programs of the tests: this very Node, with code that each job names as far as it may. */
const programs = {
  say: { path: NODE, args: ['-e', '.*', '[a-z $();]*'] },
  only: { path: NODE, args: ['--version'] },
  gone: { path: '/nowhere/program' },
};

let world: JobsWorld;
beforeEach(async () => {
  world = await JobsWorld.create({ jobs: { programs } });
});
afterEach(() => world[Symbol.asyncDispose]());

const run = (code: string, ...more: string[]) => ({
  ...{ operation: 'run', program: 'say' },
  args: ['-e', code, ...more],
});
const names = () => world.told.map(([name]) => name);

describe('a device with jobs', () => {
  it('does one after the other, says how each ended, and is told of further ones', async () => {
    world.queue.push({ jobId: 'one', document: run("console.log('done')") });
    world.queue.push({ jobId: 'two', document: run('process.exit(3)') });
    await world.connect();
    await world.reported(2);
    expect(world.reports).toMatchObject([
      { jobId: 'one', status: 'SUCCEEDED', statusDetails: { exitCode: '0', stdout: 'done\n' } },
      {
        jobId: 'two',
        status: 'FAILED',
        statusDetails: { exitCode: '3', reason: 'the program ended with 3' },
      },
    ]);
    world.give(run("console.error('oh'); process.exit(0)"), 'three');
    expect((await world.reported(3)).statusDetails).toEqual({ exitCode: '0', stderr: 'oh\n' });
    expect(names()).toEqual(Array.from({ length: 3 }, () => ['job:started', 'job:ended']).flat());
    expect(world.told[1]?.[1]).toEqual({ jobId: 'one', operation: 'run', status: 'SUCCEEDED' });
  });

  it('finishes what it has begun without a connection, and says so with the next', async () => {
    await world.connect();
    world.give(run('setTimeout(() => undefined, 100)'), 'j');
    await until(() => names().includes('job:started'));
    world.disconnect();
    await until(() => names().includes('job:ended'));
    expect(world.reports).toEqual([]);
    await world.connect();
    expect(await world.reported()).toMatchObject({ jobId: 'j', status: 'SUCCEEDED' });
    expect(world.reports).toHaveLength(1);
  });

  it('goes on to the next when one had ended in the cloud, and leaves out details that are refused', async () => {
    world.rejects.set('one', 'InvalidStateTransition');
    world.queue.push({ jobId: 'one', document: run('') });
    world.connect();
    await world.reported();
    world.queue.shift();
    world.rejects.set('two', 'InvalidRequest');
    world.give(run("console.log('x')"), 'two');
    const last = await world.reported(3);
    expect(last).toMatchObject({ jobId: 'two', status: 'SUCCEEDED' });
    expect(last.statusDetails).toEqual({ reason: 'the details were refused' });
  });

  it('ends a program whose job is taken back', async () => {
    await world.connect();
    world.give(run('setInterval(() => undefined, 1000)'), 'j');
    await until(() => names().includes('job:started'));
    // A notice about another job is none.
    world.notify();
    await until(() => world.asked.some((topic) => topic.endsWith('/j/get')));
    world.queue.shift();
    world.notify();
    expect(await world.reported()).toMatchObject({ status: 'FAILED' });
    expect(world.told.at(-1)?.[1]).toMatchObject({ reason: expect.stringContaining('taken back') });
  });

  it('says nothing of a job to another owner', async () => {
    world.queue.push({ jobId: 'j', document: run('') });
    world.cutAt = 'job-done';
    await world.restart();
    await world.connect();
    await world.cut;
    await world.restart();
    world.queue.length = 0;
    await world.connect('another');
    await until(() => world.asked.filter((topic) => topic.endsWith('start-next')).length === 2);
    expect(world.reports).toEqual([]);
  });

  it('asks a cloud that says nothing ever more rarely', async () => {
    world.cloud = 'is silent';
    await world.connect();
    await world.clock.advance(3 * 3_600_000);
    expect(world.asked.length).toBeGreaterThan(4);
    expect(world.asked.length).toBeLessThan(12);
  });

  it('leaves a cloud alone that hangs up when it asks, and comes back to it', async () => {
    world.cloud = 'hangs up';
    for (let n = 0; n < 6; n += 1) {
      await world.connect();
      await world.clock.advance(1000);
    }
    expect(world.asked).toHaveLength(3);
    expect(world.told).toMatchObject([['service:unavailable', { service: 'jobs', code: 'JOBS_HANG_UP' }]]);
    world.cloud = 'answers';
    await world.clock.advance(600_000);
    expect(world.asked).toHaveLength(4);
  });
});

describe('a job that this device does not do', () => {
  it.each([
    ['nothing', {}, '"operation" is none'],
    ['something else', { operation: 'explode' }, '"operation" is explode'],
    ['what every object has', { operation: 'toString' }, '"operation" is toString'],
    ['a program that is not on the list', { operation: 'run', program: '/bin/sh' }, 'does not name it'],
    ['no program', { operation: 'run' }, 'does not name it'],
    [
      'a program by a name that every object has',
      { operation: 'run', program: 'valueOf' },
      'does not name it',
    ],
    ['an argument too many', run('', 'a', 'b'), '"args" has 4'],
    ['an argument that does not fit', { ...run(''), args: ['-p', '1'] }, '"args" 1 is "-p"'],
    ['one that fits in part', { operation: 'run', program: 'only', args: ['--version; ls'] }, '"args" 1'],
    ['arguments that are no list', { ...run(''), args: 'x' }, '"args" must be a list'],
    ['no time at all', { ...run(''), timeout: 0 }, '"timeout"'],
    ['a level that is none', { operation: 'logLevel', level: 'loud' }, '"level" must be'],
    ['a level for an eternity', { operation: 'logLevel', level: 'debug', minutes: 1e9 }, '"minutes" must be'],
    ['an update without that service', { operation: 'update' }, 'the service update is off'],
  ])('asks for %s, and is rejected with the reason', async (_what, document, reason) => {
    await world.connect();
    world.give(document);
    const { status, statusDetails } = await world.reported();
    expect([status, statusDetails.reason]).toEqual(['REJECTED', expect.stringContaining(reason)]);
  });
});

describe('a program that a job runs', () => {
  const outcome = async (document: object) => {
    await world.connect();
    world.give(document);
    return world.reported();
  };

  it('gets its arguments as they are, by no shell, and little of the environment', async () => {
    process.env.SECRET_OF_THE_AGENT = 'x';
    const code = 'console.log(process.argv[1], Object.keys(process.env).includes("SECRET_OF_THE_AGENT"))';
    const { statusDetails } = await outcome(run(code, '$(ls); a'));
    delete process.env.SECRET_OF_THE_AGENT;
    expect(statusDetails.stdout).toBe('$(ls); a false\n');
  });

  it('that says much has the end of it kept', async () => {
    const { status, statusDetails } = await outcome(run("console.log('x'.repeat(1e6) + 'end')"));
    expect(status).toBe('SUCCEEDED');
    expect(statusDetails.stdout).toHaveLength(8192);
    expect(statusDetails.stdout).toMatch(/xend\n$/);
  });

  it('that takes too long is ended with what it has started', async () => {
    const child = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'])`;
    const code = `require('fs').writeFileSync('pid', String(${child}.pid)); setInterval(() => 0, 1000)`;
    await world.connect();
    world.give({ ...run(code), timeout: 60 });
    const pid = await until(() => world.read('pid').catch(() => ''));
    expect(await isRunning(pid)).toBe(true);
    await world.clock.advance(60_000);
    const { status, statusDetails } = await world.reported();
    expect([status, statusDetails.reason]).toEqual(['FAILED', 'the program took longer than 60 seconds']);
    await until(async () => !(await isRunning(pid)));
  });

  /** One that has ended, and that nobody has asked for yet, runs no more. */
  async function isRunning(pid: string): Promise<boolean> {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return stat !== '' && !/\) Z /.test(stat);
  }

  it('that cannot be started has failed', async () => {
    const { status, statusDetails } = await outcome({ operation: 'run', program: 'gone' });
    expect([status, statusDetails.reason]).toEqual(['FAILED', expect.stringContaining('cannot be started')]);
  });
});

describe('a device whose power goes', () => {
  it('while a program runs does not run it again, and says that it was interrupted', async () => {
    world.queue.push({ jobId: 'j', document: run('') });
    world.cutAt = 'job-journalled';
    await world.restart();
    await world.connect();
    await world.cut;
    await world.restart();
    await world.connect();
    const { status, statusDetails } = await world.reported();
    expect([status, statusDetails.reason]).toEqual(['FAILED', expect.stringContaining('interrupted')]);
  });

  it('before it could say how a job ended says it later, and does nothing twice', async () => {
    world.queue.push({ jobId: 'j', document: run("console.log('once')") });
    world.cutAt = 'job-done';
    await world.restart();
    await world.connect();
    await world.cut;
    expect(world.reports).toEqual([]);
    await world.restart();
    await world.connect();
    expect(await world.reported()).toMatchObject({
      status: 'SUCCEEDED',
      statusDetails: { stdout: 'once\n' },
    });
    expect(world.told.filter(([name]) => name === 'job:ended')).toHaveLength(0);
  });
});

describe('a job that asks', () => {
  it('for a reboot is done when the agent comes back', async () => {
    await world.connect();
    world.give({ operation: 'reboot', why: 'night' }, 'j');
    await until(() => names().includes('device:reboot'));
    expect(world.told.at(-1)?.[1]).toMatchObject({ id: 'j', command: 'reboot', args: { why: 'night' } });
    await world.restart();
    await world.connect();
    expect(await world.reported()).toMatchObject({ jobId: 'j', status: 'SUCCEEDED' });
    expect(names().filter((name) => name === 'device:reboot')).toHaveLength(1);
  });

  it('whose end the disk does not take is not done a second time, and ends as it did', async () => {
    await world.connect();
    world.give({ operation: 'reboot' });
    await until(() => names().includes('device:reboot'));
    // No file takes the place of a directory.
    const file = world.at('db/jobs.json');
    await rm(file);
    await mkdir(join(file, 'x'), { recursive: true });
    await world.clock.advance(300_000);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(world.reports).toEqual([]);
    await rm(file, { recursive: true });
    await world.clock.advance(3_600_000);
    const { status, statusDetails } = await world.reported();
    expect([status, statusDetails.reason]).toEqual(['FAILED', 'the device did not restart']);
    expect(names().filter((name) => name === 'device:reboot')).toHaveLength(1);
  });

  it('for a reboot that nobody does has failed', async () => {
    await world.connect();
    world.give({ operation: 'reboot' });
    await until(() => names().includes('device:reboot'));
    await world.clock.advance(300_000);
    expect(await world.reported()).toMatchObject({ status: 'FAILED' });
  });

  it('for another log level has it, for as long as it says', async () => {
    await world.connect();
    world.give({ operation: 'logLevel', level: 'debug', minutes: 10 });
    expect(await world.reported()).toMatchObject({ status: 'SUCCEEDED', statusDetails: { before: 'info' } });
    expect(world.log.level).toBe('debug');
    await world.clock.advance(600_000);
    expect(world.log.level).toBe('info');
    world.give({ operation: 'logLevel', level: 'error' });
    await world.reported(2);
    expect(world.log.level).toBe('error');
  });

  it('for diagnostics gets how the device is, and the end of its log', async () => {
    await world.connect();
    world.give({ operation: 'diagnostics' });
    const { status, statusDetails } = await world.reported();
    expect([status, statusDetails.log]).toEqual(['SUCCEEDED', 'a line\nthe last']);
    expect(JSON.parse(statusDetails.state ?? '')).toMatchObject({ version: '1.0.0', services: ['jobs'] });
    const { node, memory, disk } = JSON.parse(statusDetails.system ?? '');
    expect([node, memory.rss > 0, disk.total > 0]).toEqual([process.version, true, true]);
  });

  it.each([
    ['applied', undefined, 'SUCCEEDED'],
    ['failed', 'UPDATE_SIGNATURE', 'FAILED'],
  ] as const)('for an update ends as that does: %s', async (outcome, code, status) => {
    world.updates = updatesThatSay({ is: 'under-way', version: '2.0.0' });
    await world.restart();
    await world.connect();
    world.give({ operation: 'update' });
    await until(() => names().includes('job:started'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    world.events.emit('update:ended', { version: '1.5.0', outcome: 'failed' });
    world.events.emit('update:ended', { version: '2.0.0', outcome, code });
    expect(await world.reported()).toMatchObject({ status, statusDetails: { version: '2.0.0' } });
  });

  it('for an update that restarts the program is known by the version that runs then', async () => {
    world.updates = updatesThatSay({ is: 'under-way', version: '2.0.0' });
    await world.restart();
    await world.connect();
    world.give({ operation: 'update' }, 'j');
    await until(() => names().includes('job:started'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await world.restart({ version: '2.0.0' });
    await world.connect();
    expect(await world.reported()).toMatchObject({ jobId: 'j', status: 'SUCCEEDED' });
  });

  it('for an update where there is none has nothing to do', async () => {
    world.updates = updatesThatSay({ is: 'none' });
    await world.restart();
    await world.connect();
    world.give({ operation: 'update' });
    expect(await world.reported()).toMatchObject({
      status: 'SUCCEEDED',
      statusDetails: { reason: 'there is nothing newer' },
    });
  });

  it('for an update that the device refuses has failed, and says why', async () => {
    const refusal = {
      version: '2.0.0',
      outcome: 'failed',
      code: 'UPDATE_SIGNATURE',
      message: 'no key',
    } as const;
    world.updates = updatesThatSay({ is: 'ended', ...refusal });
    await world.restart();
    await world.connect();
    world.give({ operation: 'update' });
    expect(await world.reported()).toMatchObject({
      status: 'FAILED',
      statusDetails: { reason: 'no key', code: 'UPDATE_SIGNATURE', version: '2.0.0' },
    });
  });

  it('for an update that was not there after the restart has failed, and does not ask for it again', async () => {
    const underWay = { is: 'under-way', version: '2.0.0' } as const;
    world.updates = updatesThatSay(underWay);
    await world.restart();
    await world.connect();
    world.give({ operation: 'update' });
    await until(() => names().includes('job:started'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const end = {
      version: '2.0.0',
      outcome: 'failed',
      code: 'UPDATE_NOT_TAKEN',
      message: 'still 1.0.0',
    } as const;
    world.updates = updatesThatSay(underWay, { is: 'ended', ...end });
    await world.restart();
    await world.connect();
    expect(await world.reported()).toMatchObject({
      status: 'FAILED',
      statusDetails: { reason: 'still 1.0.0', code: 'UPDATE_NOT_TAKEN' },
    });
  });
});

function updatesThatSay(state: UpdateState, found?: UpdateState): Updates {
  return { check: async () => state, found: async () => found, install: async () => undefined };
}

describe('what is said of a job', () => {
  it('is cut to what the cloud takes, at its end, between two characters', () => {
    expect(lastBytes('äöü', 3)).toBe('ü');
    expect(lastBytes('äöü', 4)).toBe('öü');
    expect(lastBytes('abc', 3)).toBe('abc');
    const long = `${'x'.repeat(9000)}\nend`;
    expect(detailsFor({ stdout: long, empty: '' }, true)).toEqual({ stdout: long.slice(-8192) });
    const foreign = detailsFor({ stdout: long }, false).stdout ?? '';
    expect([foreign.length, foreign.slice(-5)]).toEqual([1024, 'x end']);
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`n${n}`, 'x']));
    expect(Object.keys(detailsFor(many, true))).toHaveLength(10);
  });
});
