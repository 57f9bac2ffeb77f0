import { isClaimId, RegisterRequest, SIGNATURE_HEADER, verifyRequest } from '@ioto/protocol';
import { type Clock, CodedError, type Logger, messageOf } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import type { AuditLog } from '../../audit/audit-log.ts';
import { bearerOf } from '../../http/guards.ts';
import type { HttpApp } from '../../http/http-app.ts';
import { type BucketRule, TokenBuckets } from '../../limits/token-bucket.ts';
import { admitToken } from '../products/product.ts';
import type { Products } from '../products/products.ts';
import type { Waiters } from '../waiters.ts';
import { NewcomerLimit } from './newcomer-limit.ts';
import type { RegistrationItem } from './registration.ts';
import type { Registrations } from './registrations.ts';

export interface RegisterCapabilities {
  products: Products;
  registrations: Registrations;
  waiters: Waiters;
  audit: AuditLog;
  clock: Clock;
  logger: Logger;
  /** New devices per address and per token; a default that a production line does not meet. */
  newcomers?: BucketRule;
}

/** Bytes of a register body: a device.json5, of which one in a thousand passes 1 KiB. */
const BODY_LIMIT = 32 * 1024;

/** An old agent calls after 1.25 s, 1.5 s, 1.75 s … and starts over at each boot (Ioto contract §10): that must pass. */
const PER_DEVICE = { burst: 60, period: 60_000 };

/** Impostors recorded per device: the record must not be a way to fill the disk. */
const DENIALS_RECORDED = { burst: 5, period: 3_600_000 };

/** `POST {api}/device/register` (Ioto contract §4). */
export function registerRoutes(app: HttpApp, capabilities: RegisterCapabilities): void {
  const { products, registrations, waiters, clock } = capabilities;
  const calls = new TokenBuckets({ clock, rule: PER_DEVICE });
  const newcomers = new NewcomerLimit({ clock, rule: capabilities.newcomers });
  const speakerCheck = signatureCheck(capabilities);
  app.post(
    '/device/register',
    { config: { agent: true }, bodyLimit: BODY_LIMIT, schema: { body: RegisterRequest } },
    async (request) => {
      const { body } = request;
      const token = bearerOf(request as FastifyRequest) ?? '';
      const product = admitToken(await products.ofToken(token), token, clock.now());
      const mayRegister = speakerCheck(request as FastifyRequest, body.id);
      // Before the limit and the long poll: what an impostor sends must not use up what the device has of them.
      const stored = await registrations.get(body.id);
      await mayRegister(stored);
      const busy = calls.take(body.id);
      if (busy > 0) throw tooOften(busy);
      if (!stored && isClaimId(body.id)) newcomers.admit(request.ip, token);
      const until = clock.now() + (body.wait ?? 0) * 1000;
      const waiter = waiters.open(`registration#${body.id}`);
      try {
        let answer = await registrations.register(body, product, mayRegister);
        while (!answer.api && clock.now() < until && !waiter.superseded && !request.gone.aborted) {
          await waiter.next(until - clock.now(), request.gone);
          answer = await registrations.answerFor(await registrations.get(body.id));
        }
        return answer;
      } finally {
        waiter.close();
      }
    },
  );
}

/** Once a key is pinned, only its holder speaks for the device; who tries otherwise is recorded. */
function signatureCheck({ audit, clock, logger }: RegisterCapabilities) {
  const denials = new TokenBuckets({ clock, rule: DENIALS_RECORDED });
  const prove = async (
    request: FastifyRequest,
    id: string,
    stored: RegistrationItem,
    publicKey: string,
  ): Promise<void> => {
    const parts = { method: request.method, path: request.raw.url ?? '', body: request.rawBody ?? '' };
    const header = request.headers[SIGNATURE_HEADER];
    try {
      verifyRequest(parts, typeof header === 'string' ? header : undefined, publicKey, clock.now());
    } catch (error) {
      // Whoever reads the log must not be able to claim the device.
      logger.warn(
        { device: `${id.slice(0, 4)}…`, address: request.ip, error: messageOf(error) },
        'register refused',
      );
      if (denials.take(id) === 0) await audit.record('builder', denial(error, id, stored, request.ip));
      throw error;
    }
  };
  return (request: FastifyRequest, id: string) => {
    let proven: string | undefined;
    return async (stored: RegistrationItem | undefined): Promise<void> => {
      if (!stored?.publicKey || stored.publicKey === proven) return;
      await prove(request, id, stored, stored.publicKey);
      proven = stored.publicKey;
    };
  };
}

function denial(error: unknown, deviceId: string, stored: RegistrationItem, address: string) {
  const details = {
    reason: error instanceof CodedError ? error.code : 'unknown',
    cloudId: stored.binding?.cloudId,
  };
  return {
    action: 'device.impostor-denied' as const,
    actor: 'nobody',
    accountId: stored.binding?.accountId,
    deviceId,
    address,
    details,
  };
}

function tooOften(wait: number): CodedError {
  return new CodedError('REGISTER_TOO_OFTEN', 'this device registers more often than once a second', {
    status: 429,
    retryable: true,
    retryAfter: wait,
  });
}
