import { isClaimId, type RegisterAnswer, type RegisterRequest } from '@ioto/protocol';
import { type Clock, isCodedError } from '@ioto/runtime';
import type { ItemStore, Write } from '../../ports/item-store.ts';
import type { Clouds } from '../clouds/clouds.ts';
import type { Product } from '../products/product.ts';
import type { Sealer } from '../sealing.ts';
import { planRegister, type RegisterPlan } from './register-plan.ts';
import {
  productIndexKey,
  queueOf,
  type RegistrationItem,
  registrationKey,
  toRegistration,
} from './registration.ts';

/** Rivals for one device are few: the device itself and one claim. */
const ATTEMPTS = 8;

/** The registrations of all devices, and what a device is told when it asks. */
export class Registrations {
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #clouds: Clouds;
  readonly #sealer: Sealer;

  constructor(options: { store: ItemStore; clock: Clock; clouds: Clouds; sealer: Sealer }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#clouds = options.clouds;
    this.#sealer = options.sealer;
  }

  async get(id: string): Promise<RegistrationItem | undefined> {
    if (!isClaimId(id)) return undefined;
    const { pk, sk } = registrationKey(id);
    const item = await this.#store.get(pk, sk);
    return item && toRegistration(item);
  }

  /**
   * Notes a register call, durably when anything changed. `check` sees the registration as it stands, and throws when the
   * caller must not speak for the device.
   *
   * @throws as `planRegister` and `check` do.
   */
  async register(
    request: RegisterRequest,
    product: Product,
    check: (stored: RegistrationItem | undefined) => Promise<void>,
  ): Promise<RegisterAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const stored = await this.get(request.id);
      await check(stored);
      const plan = planRegister({ stored, request, product, now: this.#clock.now() });
      // Nobody may make the builder keep a wish for a cloud that it does not know.
      if (plan.selfClaim && !(await this.#clouds.get(plan.selfClaim.cloudId))) plan.selfClaim = undefined;
      try {
        if (plan.changed) await this.#store.write(this.#writes(plan, stored));
        return await this.answerFor(plan.item);
      } catch (error) {
        if (!isCodedError(error, 'CONDITION_FAILED') || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** What the device is told: where its cloud is, once a claim bound it to one. */
  async answerFor(item: RegistrationItem | undefined): Promise<RegisterAnswer> {
    const binding = item?.binding;
    const cloud = binding && (await this.#clouds.get(binding.cloudId));
    if (!item || !binding || !cloud?.api) return { registered: true };
    return {
      registered: true,
      id: item.id,
      product: item.product,
      api: cloud.api,
      token: await this.#sealer.open(binding.sealedToken, item.id),
      accountId: binding.accountId,
      cloudType: cloud.type,
      cloudName: cloud.name,
      cloudRegion: cloud.region,
    };
  }

  /** A product's devices, by ID. */
  async ofProduct(product: string, after?: string): Promise<{ items: RegistrationItem[]; next?: string }> {
    const { pk } = productIndexKey(product, '');
    const { items, next } = await this.#store.query(pk, { after, limit: 200 });
    const found = await Promise.all(items.map((item) => this.get(item.sk)));
    return { items: found.filter((item) => item !== undefined), next };
  }

  #writes({ item, completes, selfClaim }: RegisterPlan, stored: RegistrationItem | undefined): Write[] {
    const queued = new Date(this.#clock.now()).toISOString();
    const writes: Write[] = [putRegistration(item, stored)];
    if (stored?.product === undefined && item.product) {
      writes.push({ put: productIndexKey(item.product, item.id) });
    }
    if (completes) {
      writes.push({ put: { pk: queueOf(completes), sk: `completed#${item.id}`, id: item.id, queued } });
    }
    if (selfClaim) {
      const { cloudId, accountId } = selfClaim;
      writes.push({ put: { pk: queueOf(cloudId), sk: `self#${item.id}`, id: item.id, accountId, queued } });
    }
    return writes;
  }
}

/** The write of a registration that fails when another came in between. */
export function putRegistration(item: RegistrationItem, stored: RegistrationItem | undefined): Write {
  return {
    put: { ...registrationKey(item.id), ...item, version: (stored?.version ?? 0) + 1 },
    if: stored ? { equals: { version: stored.version } } : { absent: true },
  };
}
