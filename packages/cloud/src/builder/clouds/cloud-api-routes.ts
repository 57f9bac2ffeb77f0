import {
  BindRequest,
  type CloudRecord,
  CloudRegisterRequest,
  type FindAnswer,
  FindRequest,
  ReleaseRequest,
} from '@ioto/protocol';
import { type Clock, CodedError } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import { bearerOf } from '../../http/guards.ts';
import type { HttpApp } from '../../http/http-app.ts';
import { type BucketRule, TokenBuckets } from '../../limits/token-bucket.ts';
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

/**
 * Claim IDs that a cloud may name in vain. A claim ID is a secret for clouds too; this is several times what a cloud lets its
 * people mistype and claim in advance, and hopeless for a search.
 */
const MISSES: BucketRule = { burst: 5000, period: 3_600_000 };

/** `POST {api}/cloud/{register,bind,release,find}` for device clouds with their key. The builder never calls a cloud. */
export function cloudApiRoutes(app: HttpApp, capabilities: CloudApiCapabilities): void {
  const { clouds, bindings, registrations, clock } = capabilities;
  const misses = new TokenBuckets({ clock, rule: MISSES });
  /** Counts before it looks, so that a thousand at once are limited like a thousand in turn. */
  const guess = async <T>(cloudId: string, look: () => Promise<T>, found: (answer: T) => boolean) => {
    const wait = misses.take(cloudId);
    if (wait > 0) throw tooManyMisses(wait);
    const answer = await look();
    if (found(answer)) misses.give(cloudId);
    return answer;
  };
  const caller = (request: unknown): Promise<CloudRecord> =>
    clouds.authenticate(bearerOf(request as FastifyRequest));
  app.post('/cloud/register', { schema: { body: CloudRegisterRequest } }, async (request) => {
    const { id } = await caller(request);
    const { name, type, region, api } = request.body;
    return clouds.register(id, { name, type, region, api });
  });
  app.post('/cloud/bind', { schema: { body: BindRequest } }, async (request) => {
    const { id } = await caller(request);
    return guess(
      id,
      () => bindings.bind(id, request.body),
      ({ registered }) => registered !== undefined,
    );
  });
  app.post('/cloud/release', { schema: { body: ReleaseRequest } }, async (request) => {
    await bindings.release((await caller(request)).id, request.body);
    return {};
  });
  app.post('/cloud/find', { schema: { body: FindRequest } }, async (request): Promise<FindAnswer> => {
    const { id: cloudId } = await caller(request);
    const { id, pending, wait = 0, done } = request.body;
    if (id !== undefined) {
      const item = await guess(
        cloudId,
        () => registrations.get(id),
        (each) => each !== undefined,
      );
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

function tooManyMisses(wait: number): CodedError {
  return new CodedError(
    'GUESSES_EXCEEDED',
    'this cloud has asked for too many devices that never registered',
    {
      status: 429,
      retryable: true,
      retryAfter: wait,
    },
  );
}
