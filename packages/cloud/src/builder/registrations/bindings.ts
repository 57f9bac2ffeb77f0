import { type BindRequest, isClaimId, type Registration, type ReleaseRequest } from '@ioto/protocol';
import { type Clock, CodedError, isCodedError, isoTime } from '@ioto/runtime';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { ItemStore } from '../../ports/item-store.ts';
import type { Sealer } from '../sealing.ts';
import { planBind, planRelease } from './binding-plan.ts';
import { forCloud, queueOf, type RegistrationItem } from './registration.ts';
import { putRegistration, type Registrations } from './registrations.ts';

const ATTEMPTS = 8;

/** Binds devices to clouds and accounts, and frees them; every change goes into the audit record with its own commit. */
export class Bindings {
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #audit: AuditLog;
  readonly #sealer: Sealer;
  readonly #registrations: Registrations;

  constructor(options: {
    store: ItemStore;
    clock: Clock;
    audit: AuditLog;
    sealer: Sealer;
    registrations: Registrations;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#audit = options.audit;
    this.#sealer = options.sealer;
    this.#registrations = options.registrations;
  }

  /** The registration as it stands after the bind. @throws as `planBind` does; CLAIM_ID_MALFORMED (400). */
  async bind(cloudId: string, request: BindRequest): Promise<Registration> {
    if (!isClaimId(request.id)) {
      throw new CodedError('CLAIM_ID_MALFORMED', 'this is not a claim ID', { status: 400 });
    }
    const { accountId, product: expectedProduct } = request;
    const sealedToken = await this.#sealer.seal(request.token, request.id);
    return this.#persist(async () => {
      const stored = await this.#registrations.get(request.id);
      const binding = { cloudId, accountId, sealedToken, since: isoTime(this.#clock), expectedProduct };
      const plan = planBind(stored, request, binding);
      if (plan.step === 'write') {
        await this.#store.write([
          putRegistration(plan.item, stored),
          { remove: { pk: queueOf(cloudId), sk: `self#${request.id}` } },
          this.#audit.entry('builder', {
            action: plan.item.registered ? 'device.claimed' : 'device.preclaimed',
            ...facts(plan.item, cloudId, accountId),
          }),
        ]);
      }
      return forCloud(plan.item, cloudId);
    });
  }

  /** Releasing what the cloud does not hold (any more) is done already. */
  async release(cloudId: string, request: ReleaseRequest): Promise<void> {
    await this.#persist(async () => {
      const stored = await this.#registrations.get(request.id);
      const item = planRelease(stored, request, cloudId);
      if (!item) return;
      const details = facts(item, cloudId, stored?.binding?.accountId);
      await this.#store.write([
        putRegistration(item, stored),
        { remove: { pk: queueOf(cloudId), sk: `completed#${item.id}` } },
        this.#audit.entry('builder', { action: 'device.released', ...details }),
      ]);
    });
  }

  async #persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (let count = 1; ; count += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!isCodedError(error, 'CONDITION_FAILED') || count === ATTEMPTS) throw error;
      }
    }
  }
}

function facts(item: RegistrationItem, cloudId: string, accountId: string | undefined) {
  const details = { generation: item.generation, product: item.product };
  return { actor: `cloud:${cloudId}`, accountId, deviceId: item.id, details };
}
