import type { FindAnswer, SelfClaim } from '@ioto/protocol';
import {
  Backoff,
  type Clock,
  type Component,
  isRetryable,
  type Logger,
  messageOf,
  sleep,
} from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Account, AccountDirectory } from '../identity/accounts.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { BuilderClient } from '../ports/builder-client.ts';
import type { CloudPlace } from './cloud-place.ts';
import type { DeviceClaimDesk } from './device-claims.ts';

/** Seconds that one question for pending claims waits at the builder. */
const WAIT = 50;
/** Milliseconds after an answer that came too soon and brought nothing. */
const PAUSE = 1000;
/** Refused self-claims that are remembered, so that each is recorded once. */
const REMEMBERED = 10_000;

/** Refused self-claims that an account is told of: whoever knows a product may make up devices without end. */
const TOLD = { burst: 50, period: 3_600_000 };

export interface BuilderLinkOptions {
  builder: BuilderClient;
  claims: DeviceClaimDesk;
  accounts: AccountDirectory;
  audit: AuditLog;
  place: () => CloudPlace;
  clock: Clock;
  logger: Logger;
}

/**
 * Tells the builder where this cloud is, and asks it for devices that want to be claimed by an account here, or were
 * claimed before they first registered. A builder that is down holds nothing up: the link asks again.
 */
export class BuilderLink implements Component {
  readonly name = 'builder link';
  readonly #options: BuilderLinkOptions;
  readonly #refused = new Set<string>();
  readonly #told: TokenBuckets;
  #stop: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(options: BuilderLinkOptions) {
    this.#options = options;
    this.#told = new TokenBuckets({ clock: options.clock, rule: TOLD });
  }

  async start(): Promise<void> {
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const backoff = new Backoff({ first: 500, limit: 30_000 });
    let registered = false;
    let done: string[] = [];
    while (!signal.aborted) {
      try {
        if (!registered) await this.#register();
        registered = true;
        done = await this.#ask(done, signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        const delay = backoff.next();
        logger.warn({ error: messageOf(error), delay }, 'the builder cannot be asked for pending claims');
        await sleep(clock, delay, signal).catch(() => undefined);
      }
    }
  }

  async #register(): Promise<void> {
    const { builder, place } = this.#options;
    const { name, type, region, api } = place();
    await builder.register({ name, type, region, api });
  }

  /** Waits for what is pending and deals with it. Returns what is done; the rest the builder tells again in a while. */
  async #ask(done: string[], signal: AbortSignal): Promise<string[]> {
    const { builder, claims, clock } = this.#options;
    const began = clock.now();
    const answer: FindAnswer = await builder.find({ pending: true, wait: WAIT, done }, signal);
    const { completed = [], selfClaims = [] } = answer;
    const dealtWith: string[] = [];
    for (const registration of completed) {
      await claims.completeWaiting(registration);
      dealtWith.push(registration.id);
    }
    for (const selfClaim of selfClaims) {
      if (await this.#consider(selfClaim)) dealtWith.push(selfClaim.registration.id);
    }
    // A builder that does not wait must not be asked in a busy loop.
    if (dealtWith.length === 0 && clock.now() - began < PAUSE) await sleep(clock, PAUSE, signal);
    return dealtWith;
  }

  /**
   * Claims for an account that has switched self-claim on for the product (Ioto contract §5). False for what is to be
   * told again because it could not be done now. A refused wish is done with: the device that still has it repeats it with
   * its next register, and wishes that nobody may ever grant would fill the builder's queue.
   */
  async #consider({ registration, accountId }: SelfClaim): Promise<boolean> {
    const { accounts, claims, logger } = this.#options;
    const { id, product } = registration;
    const account = await accounts.get(accountId);
    if (!account || !allows(account, product)) {
      await this.#refuse(id, accountId, account);
      return true;
    }
    try {
      await claims.claim({ id, accountId, actor: `device:${id}` });
      return true;
    } catch (error) {
      logger.warn({ device: shortId(id), error: messageOf(error) }, 'a self-claim failed');
      return !isRetryable(error);
    }
  }

  async #refuse(deviceId: string, accountId: string, account: Account | undefined): Promise<void> {
    const { audit, logger } = this.#options;
    const known = `${deviceId} ${accountId}`;
    if (this.#refused.has(known)) return;
    if (this.#refused.size >= REMEMBERED) this.#refused.clear();
    this.#refused.add(known);
    logger.info({ device: shortId(deviceId), accountId }, 'self-claim refused');
    if (!account || this.#told.take(accountId) > 0) return;
    const action = 'device.self-claim-denied';
    await audit.record({ accountId }, { action, actor: `device:${deviceId}`, accountId, deviceId });
  }
}

/** Whoever reads the log must not be able to claim what is not claimed yet. */
function shortId(claimId: string): string {
  return `${claimId.slice(0, 4)}…`;
}

function allows({ selfClaim }: Account, product: string | undefined): boolean {
  return selfClaim.enabled && product !== undefined && selfClaim.products.includes(product);
}
