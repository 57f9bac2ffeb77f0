import { JOB_LIMITS, parseTypedClaimId } from '@ioto/protocol';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { JobDesk } from './job-desk.ts';
import { jobError } from './job-errors.ts';
import type { Job, JobTargets, StoredExecution } from './job-records.ts';

export interface JobRoutesCapabilities {
  desk: JobDesk;
  guards: Guards;
}

const accountId = Type.Optional(Type.String({ maxLength: 64 }));
const jobId = Type.String({ minLength: 1, maxLength: 64, description: 'ID of the job' });
const deviceId = Type.String({ minLength: 1, maxLength: 64, description: 'claim ID, as typed' });
const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  next: Type.Optional(Type.String({ maxLength: 512 })),
};
const force = Type.Optional(Type.Boolean());

const Create = Type.Object({
  accountId,
  jobId: Type.Optional(jobId),
  document: Type.Unknown({ description: 'the job document: a JSON object, or the text of one' }),
  description: Type.Optional(Type.String({ maxLength: 2028 })),
  devices: Type.Optional(Type.Array(deviceId, { minItems: 1, maxItems: 1000 })),
  product: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  all: Type.Optional(Type.Boolean()),
  timeoutMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: JOB_LIMITS.minutes })),
});

/** Jobs of an account: `POST {api}/job/{create,get,find,executions,cancel,remove}`. */
export function jobRoutes(app: HttpApp, { desk, guards }: JobRoutesCapabilities): void {
  const post = verbs(app, guards);
  const scope = (request: FastifyRequest, body: { accountId?: string }) => ({
    accountId: accountOf(request, body.accountId),
    actor: nameOfPrincipal(request.principal),
  });

  post('/job/create', 'user', Create, async (body, request, reply) => {
    const job = await desk.create(scope(request, body), { ...body, targets: targetsOf(body) });
    reply.code(201);
    return shownJob(job);
  });
  post('/job/get', 'viewer', Type.Object({ accountId, jobId }), async (body, request) =>
    shownJob(await desk.get(accountOf(request, body.accountId), body.jobId)),
  );
  post('/job/find', 'viewer', Type.Object({ accountId, ...page }), async (body, request) => {
    const { items, ...rest } = await desk.find(accountOf(request, body.accountId), body);
    return { items: items.map(({ document: _long, ...job }) => shownJob(job)), ...rest };
  });
  post('/job/executions', 'viewer', Type.Object({ accountId, jobId, ...page }), async (body, request) => {
    const account = accountOf(request, body.accountId);
    const { items, ...rest } = await desk.executions(account, body.jobId, body);
    return { items: items.map(shownExecution), ...rest };
  });
  post('/job/cancel', 'user', Type.Object({ accountId, jobId, force }), async (body, request) =>
    shownJob(await desk.cancel(scope(request, body), body.jobId, body.force)),
  );
  post('/job/remove', 'user', Type.Object({ accountId, jobId, force }), async (body, request) => {
    await desk.remove(scope(request, body), body.jobId, body.force);
    return {};
  });
}

function targetsOf({ devices, product, all }: Static<typeof Create>): JobTargets {
  if ([devices, product, all || undefined].filter((each) => each !== undefined).length !== 1) {
    throw jobError('REQUEST_INVALID', 'name one target: "devices", "product" or "all"');
  }
  if (devices) return { devices: [...new Set(devices.map(parseTypedClaimId))] };
  return product === undefined ? { all: true } : { product };
}

/** What the API shows of a job. */
function shownJob({ keepUntil: _kept, life: _life, ...job }: Omit<Job, 'document'> & Partial<Job>) {
  return job;
}

const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at * 1000).toISOString());

function shownExecution({ keepUntil: _kept, accountId: _owner, life: _life, ...execution }: StoredExecution) {
  const { queuedAt, startedAt, lastUpdatedAt, deadline, stepDeadline, ...rest } = execution;
  const times = { queued: iso(queuedAt), started: iso(startedAt), updated: iso(lastUpdatedAt) };
  return { ...rest, ...times, deadline: iso(deadline), stepDeadline: iso(stepDeadline) };
}
