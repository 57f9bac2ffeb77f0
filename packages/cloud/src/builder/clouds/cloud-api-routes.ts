import {
  BindRequest,
  type CloudRecord,
  CloudRegisterRequest,
  type FindAnswer,
  FindRequest,
  ReleaseRequest,
} from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import { bearerOf } from '../../http/guards.ts';
import type { HttpApp } from '../../http/http-app.ts';
import type { Bindings } from '../registrations/bindings.ts';
import type { CloudQueue } from '../registrations/cloud-queue.ts';
import { forCloud, queueOf } from '../registrations/registration.ts';
import type { Registrations } from '../registrations/registrations.ts';
import type { Waiters } from '../waiters.ts';
import type { Clouds } from './clouds.ts';

export interface CloudApiCapabilities {
  clouds: Clouds;
  bindings: Bindings;
  registrations: Registrations;
  queue: CloudQueue;
  waiters: Waiters;
  clock: Clock;
}

/** Milliseconds between looks at the queue while a cloud waits, for what is to be told again. */
const LOOK_AGAIN = 60_000;

/** `POST {api}/cloud/{register,bind,release,find}` for device clouds with their key. The builder never calls a cloud. */
export function cloudApiRoutes(app: HttpApp, capabilities: CloudApiCapabilities): void {
  const { clouds, bindings } = capabilities;
  const caller = (request: unknown): Promise<CloudRecord> =>
    clouds.authenticate(bearerOf(request as FastifyRequest));
  app.post('/cloud/register', { schema: { body: CloudRegisterRequest } }, async (request) => {
    const { id } = await caller(request);
    const { name, type, region, api } = request.body;
    return clouds.register(id, { name, type, region, api });
  });
  app.post('/cloud/bind', { schema: { body: BindRequest } }, async (request) =>
    bindings.bind((await caller(request)).id, request.body),
  );
  app.post('/cloud/release', { schema: { body: ReleaseRequest } }, async (request) => {
    await bindings.release((await caller(request)).id, request.body);
    return {};
  });
  app.post('/cloud/find', { schema: { body: FindRequest } }, async (request): Promise<FindAnswer> => {
    const { id: cloudId } = await caller(request);
    const { id, pending, wait = 0, done } = request.body;
    if (id !== undefined) {
      const item = await capabilities.registrations.get(id);
      return item ? { device: forCloud(item, cloudId) } : {};
    }
    if (done) await capabilities.queue.done(cloudId, done);
    return pending ? waitForPending(capabilities, cloudId, wait * 1000, request.gone) : {};
  });
}

async function waitForPending(
  { queue, waiters, clock }: CloudApiCapabilities,
  cloudId: string,
  wait: number,
  gone: AbortSignal,
): Promise<FindAnswer> {
  const until = clock.now() + wait;
  const waiter = waiters.open(queueOf(cloudId));
  try {
    for (;;) {
      const answer = await queue.take(cloudId);
      const found = (answer.selfClaims?.length ?? 0) + (answer.completed?.length ?? 0) > 0;
      if (found || clock.now() >= until || waiter.superseded || gone.aborted) return answer;
      await waiter.next(Math.min(LOOK_AGAIN, until - clock.now()), gone);
    }
  } finally {
    waiter.close();
  }
}
