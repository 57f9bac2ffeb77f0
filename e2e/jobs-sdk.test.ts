import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DeviceFiles, Program, until } from '@ioto/testkit';
import { makeFleetIdentities } from '@ioto/testkit/fleet/identities';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const SCRIPT = fileURLToPath(new URL('./devices/aws-jobs.mjs', import.meta.url));

type Step = [verb: string, ...rest: unknown[]];

let world: World;
let id: string;
let files: DeviceFiles;
/** What the device connects with: the latest that it was given. */
let certificate: { cert: string; key: string };

beforeAll(async () => {
  world = await World.create();
  const connected = await world.connectedDevice();
  ({ device: files, id } = connected);
  await connected.program.kill();
  certificate = { cert: certs('ioto.crt'), key: certs('ioto.key') };
});
afterAll(() => world?.[Symbol.asyncDispose]());

const certs = (name: string) => join(files.state, 'certs', name);

async function createJob(jobId: string, document: object, device = id): Promise<void> {
  const { accountId } = world.owner;
  const { status, text } = await world.adminCall('/job/create', {
    accountId,
    jobId,
    document,
    devices: [device],
  });
  if (status !== 201) throw new Error(`job/create: ${status} ${text}`);
}

async function executionOf(jobId: string): Promise<Record<string, unknown>> {
  const { accountId } = world.owner;
  const { json } = await world.adminCall('/job/executions', { accountId, jobId });
  return (json.items as Record<string, unknown>[])[0] ?? {};
}

/** Runs a conversation in a process of its own and resolves what came of its steps. */
async function converse(version: string, steps: Step[]): Promise<Record<string, unknown>[]> {
  const { port, authorityFile: ca } = world.cloud;
  const access = { version, clientId: id, host: 'localhost', port, ca, certificate };
  await using program = Program.spawnScript(SCRIPT, [], { stdin: JSON.stringify({ access, steps }) });
  await program.waitFor(/^over$/m, { timeout: 50_000 });
  const lines = program.stdout.trim().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

describe.each(['mqtt311', 'mqtt5'] as const)('the jobs client of the AWS SDK over %s', (version) => {
  const [one, two] = [`one-${version}`, `two-${version}`];

  it('does jobs, is told of them, and is rejected with the codes of AWS', async () => {
    await createJob(one, { do: 1 });
    await createJob(two, { do: 2 });
    const update = (jobId: string, more: object): Step => ['jobs', 'updateJobExecution', { jobId, ...more }];
    const outcomes = await converse(version, [
      ['jobs', 'getPendingJobExecutions', {}],
      ['listen', 'JobExecutionsChanged'],
      ['listen', 'NextJobExecutionChanged'],
      ['jobs', 'startNextPendingJobExecution', { statusDetails: { step: 'begun' } }],
      ['jobs', 'describeJobExecution', { jobId: '$next', includeJobDocument: true }],
      update(one, { status: 'SUCCEEDED', expectedVersion: 2, includeJobExecutionState: true }),
      ['told', 3],
      update(one, { status: 'IN_PROGRESS' }),
      ['jobs', 'describeJobExecution', { jobId: one }],
      update(two, { status: 'FAILED', expectedVersion: 7 }),
      update('none', { status: 'FAILED' }),
      update(two, { status: 'CANCELED' }),
      ['raw', `$aws/things/${id}/jobs/${two}/remove`, '{}'],
      ['raw', `$aws/things/${id}/jobs/get`, '{'],
      update(two, { status: 'REJECTED', statusDetails: { reason: 'no' }, includeJobDocument: true }),
      ['flood', 150, 'getPendingJobExecutions', {}],
    ]);
    const [pending, , , started, next, ended, told, over, terminal, version7, none, invalid] = outcomes;
    expect(pending).toMatchObject({ queuedJobs: [{ jobId: one }, { jobId: two }], inProgressJobs: [] });
    const execution = { jobId: one, thingName: id, status: 'IN_PROGRESS', jobDocument: { do: 1 } };
    expect(started).toMatchObject({ execution: { ...execution, statusDetails: { step: 'begun' } } });
    expect(next).toMatchObject({ execution });
    expect(ended).toMatchObject({ executionState: { status: 'SUCCEEDED', versionNumber: 3 } });
    expect(told).toMatchObject([
      ['JobExecutionsChanged', { jobs: { IN_PROGRESS: [{ jobId: one }], QUEUED: [{ jobId: two }] } }],
      ['JobExecutionsChanged', { jobs: { QUEUED: [{ jobId: two }] } }],
      ['NextJobExecutionChanged', { execution: { jobId: two, status: 'QUEUED', jobDocument: { do: 2 } } }],
    ]);
    const rejected = (code: string, more = {}) => ({
      rejected: { code, message: expect.any(String), ...more },
    });
    const state = { executionState: { status: 'SUCCEEDED', versionNumber: 3 } };
    expect(over).toMatchObject(rejected('InvalidStateTransition', state));
    expect(terminal).toMatchObject(rejected('TerminalStateReached'));
    expect(version7).toMatchObject(rejected('VersionMismatch'));
    expect(none).toMatchObject(rejected('ResourceNotFound'));
    expect(invalid).toMatchObject(rejected('InvalidRequest'));
    expect(outcomes.slice(12)).toMatchObject([
      { code: 'InvalidTopic' },
      { code: 'InvalidJson' },
      { jobDocument: { do: 2 } },
      { RequestThrottled: expect.any(Number) },
    ]);
    expect(await executionOf(two)).toMatchObject({ status: 'REJECTED', statusDetails: { reason: 'no' } });
  });

  it('gets certificates with the identity client, connects with them, and is told what is wrong', async () => {
    const [identity] = await makeFleetIdentities(1);
    const templateName = 'ioto';
    const [fromCsr, made, token, csr, template] = await converse(version, [
      ['identity', 'createCertificateFromCsr', { certificateSigningRequest: identity?.csr }],
      ['identity', 'createKeysAndCertificate', {}],
      ['identity', 'registerThing', { templateName, certificateOwnershipToken: 'x' }],
      ['identity', 'createCertificateFromCsr', { certificateSigningRequest: 'x' }],
      ['identity', 'registerThing', { templateName: 'lamps', certificateOwnershipToken: 'x' }],
    ]);
    const refused = (statusCode: number, errorCode: string) => ({
      rejected: { statusCode, errorCode, errorMessage: expect.any(String) },
    });
    expect(token).toEqual(refused(400, 'InvalidCertificateOwnershipToken'));
    expect(csr).toEqual(refused(400, 'InvalidCsr'));
    expect(template).toEqual(refused(404, 'TemplateNotFound'));
    expect(fromCsr).toMatchObject({ certificateId: expect.stringMatching(/^[0-9a-f]{64}$/) });

    certificate = { cert: certs(`${version}.crt`), key: certs(`${version}.key`) };
    await writeFile(certificate.cert, String(made?.certificatePem));
    await writeFile(certificate.key, String(made?.privateKey));
    const certificateOwnershipToken = made?.certificateOwnershipToken;
    const request = { templateName, certificateOwnershipToken, parameters: { SerialNumber: '1' } };
    const registered = await converse(version, [['identity', 'registerThing', request]]);
    expect(registered).toEqual([{ deviceConfiguration: {}, thingName: id }]);
    // The first connect with it has voided what the device had before.
    const { certificates } = await world.show(id);
    const states = (certificates as { state: string }[]).map(({ state }) => state);
    expect(states.filter((state) => state === 'in use')).toHaveLength(1);
  });
});

describe('the agent with jobs', () => {
  const programs = {
    greet: { path: '/bin/echo', args: ['[a-z]+'] },
    wait: { path: '/bin/sleep', args: ['[0-9]+'] },
  };

  it('runs what is on its list, reports it, and reports also what a kill cut short', async () => {
    const device = await world.device({ settings: { jobs: { programs } } });
    const program = world.switchOn(device);
    const own = await world.registered(device);
    await world.claim(own);
    await world.online(own, program);
    const run = (name: string, ...args: string[]) => ({ operation: 'run', program: name, args });
    const end = (jobId: string) =>
      until(`${jobId} to end`, async () => {
        const execution = await executionOf(jobId);
        return ['QUEUED', 'IN_PROGRESS'].includes(String(execution.status)) ? undefined : execution;
      });
    await createJob('greet', run('greet', 'hello'), own);
    expect(await end('greet')).toMatchObject({
      status: 'SUCCEEDED',
      statusDetails: { exitCode: '0', stdout: 'hello\n' },
    });
    await createJob('shell', run('sh', '-c', 'ls'), own);
    expect(await end('shell')).toMatchObject({
      status: 'REJECTED',
      statusDetails: { reason: expect.stringContaining('does not name it') },
    });

    await createJob('wait', run('wait', '600'), own);
    await program.waitFor(/a job has begun.*|"jobId":"wait"/);
    await until('it to run', async () => (await executionOf('wait')).status === 'IN_PROGRESS');
    await until('its journal', async () => (await device.read('db', 'jobs.json'))?.includes('"wait"'));
    await program.kill();
    const again = world.switchOn(device);
    expect(await end('wait')).toMatchObject({
      status: 'FAILED',
      statusDetails: { reason: expect.stringContaining('interrupted') },
    });

    await createJob('reboot', { operation: 'reboot' }, own);
    await again.exited;
    expect((await executionOf('reboot')).status).toBe('IN_PROGRESS');
    const last = world.switchOn(device);
    expect(await end('reboot')).toMatchObject({ status: 'SUCCEEDED' });
    await createJob('look', { operation: 'diagnostics' }, own);
    const { statusDetails } = (await end('look')) as { statusDetails: Record<string, string> };
    expect(JSON.parse(statusDetails.state ?? '')).toMatchObject({ phase: 'ready' });
    expect(statusDetails.log).toContain('in step with the cloud');
    await last.kill();
  });
});
