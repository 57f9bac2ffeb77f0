import { parseTypedClaimId, type Registration } from '@ioto/protocol';
import { type Clock, type CodedError, isCodedError, isoTime, type Logger, messageOf } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AccountDirectory } from '../identity/accounts.ts';
import { type Guess, GuessLimiter, preclaimRules } from '../limits/guess-limiter.ts';
import { Slots } from '../limits/slots.ts';
import type { BuilderClient } from '../ports/builder-client.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { deviceError } from './device-errors.ts';
import { archivedDeviceKey, type DeviceItem, deviceKey, isDeviceItem, newDeviceItem } from './device-item.ts';
import type { DeviceRecords, Intent, Ownership } from './device-records.ts';
import { signDeviceToken } from './device-token.ts';
import type { Turns } from './turns.ts';

export interface ClaimRequest {
  /** As a person typed it. */
  id: string;
  accountId: string;
  product?: string;
  /** Accept a device that never registered: the claim completes when it does. */
  pre?: boolean;
  /** For the audit record. */
  actor: string;
  /** Where the request came from; absent for those whose guesses are not limited. */
  address?: string;
}

export interface DeviceClaimsOptions {
  store: ItemStore;
  records: DeviceRecords;
  builder: BuilderClient;
  accounts: AccountDirectory;
  guesses: GuessLimiter;
  audit: AuditLog;
  /** Operations on one device take turns. */
  turns: Turns;
  /** Signs device tokens. */
  secret: () => Promise<Buffer>;
  clock: Clock;
  logger: Logger;
}

/** How often a claim starts over because the device changed hands while it asked. */
const ATTEMPTS = 3;

/**
 * Claim IDs of one account that are looked up side by side. An attempt counts as a miss until it turns out right, so an
 * account that claims a truckload at once must not have more of them open than a person may miss.
 */
const LOOKING = 8;

/** Gives devices to accounts (Ioto contract §5). The builder decides who is first. */
export class DeviceClaimDesk {
  readonly #options: DeviceClaimsOptions;
  readonly #looking = new Slots(LOOKING);
  readonly #advance: GuessLimiter;

  constructor(options: DeviceClaimsOptions) {
    this.#options = options;
    this.#advance = new GuessLimiter({ clock: options.clock, rules: preclaimRules });
  }

  /**
   * Claims a device for an account, and returns its Device item; claiming one's own again changes nothing.
   *
   * @throws CLAIM_ID_MALFORMED (400), ACCOUNT_UNKNOWN (404), DEVICE_NEVER_REGISTERED (404), DEVICE_CLAIMED (409),
   * GUESSES_EXCEEDED (429), BUILDER_UNREACHABLE (503).
   */
  async claim(request: ClaimRequest): Promise<DeviceItem> {
    const { accounts } = this.#options;
    const id = parseTypedClaimId(request.id);
    if (!(await accounts.get(request.accountId))) {
      throw deviceError('ACCOUNT_UNKNOWN', `there is no account ${request.accountId} in this cloud`);
    }
    return this.#guess(id, request);
  }

  /** A claim ID is a secret: whoever asks for one that is not there, or not free, may be searching (Ioto contract §5). */
  async #guess(id: string, request: ClaimRequest): Promise<DeviceItem> {
    const { turns, logger } = this.#options;
    const leave = await this.#looking.enter(request.accountId);
    try {
      const { guess, advance } = this.#admit(request);
      const onFound = (registered: boolean) => {
        guess?.right();
        if (registered) advance?.right();
        leave();
      };
      return await turns
        .run(id, () => this.#claim(id, request, onFound))
        .catch((error) => {
          if (!isMiss(error)) {
            guess?.right();
            advance?.right();
          }
          throw error;
        });
    } catch (error) {
      if (isMiss(error)) {
        await this.#tellOwners(id, request).catch((cause) =>
          logger.error({ deviceId: id, error: messageOf(cause) }, 'cannot record a denied claim'),
        );
      }
      throw error;
    } finally {
      leave();
    }
  }

  /** Counts the attempt with all limits or, when one of them refuses, with none. */
  #admit({ accountId: account, address, pre }: ClaimRequest): { guess?: Guess; advance?: Guess } {
    if (address === undefined) return {};
    const guess = this.#options.guesses.admit({ account, address });
    if (!pre) return { guess };
    try {
      return { guess, advance: this.#advance.admit({ account, address }) };
    } catch (error) {
      guess.right();
      throw error;
    }
  }

  /** Completes or drops a claim that was cut short. For the caller that has the device's turn, or is alone. */
  async settle(intent: Intent): Promise<void> {
    const { builder, store, records } = this.#options;
    const { device } = await builder.find({ id: intent.deviceId });
    if (device?.accountId === intent.accountId) {
      await this.#complete(device, intent);
    } else {
      await store.write([records.endIntent(intent.deviceId)]);
    }
  }

  /** Brings a claim made in advance up to date with what the builder knows of the device now. */
  async completeWaiting(registration: Registration): Promise<void> {
    await this.#options.turns.run(registration.id, async () => {
      const ownership = await this.#options.records.ownership(registration.id);
      if (ownership?.state === 'waiting' && registration.registered) {
        await this.#registered(ownership, registration);
      }
    });
  }

  /** `onFound` is called once it is certain that the claim ID was no guess, with whether the device has ever registered. */
  async #claim(
    id: string,
    request: ClaimRequest,
    onFound: (registered: boolean) => void,
  ): Promise<DeviceItem> {
    const { builder, records, store } = this.#options;
    const { accountId } = request;
    await this.#settleEarlier(id);
    const ownership = await records.ownership(id);
    if (ownership && ownership.state !== 'released') {
      const own = ownership.accountId === accountId && (await this.#deviceItem(accountId, id));
      if (!own) throw claimedByAnother();
      if (ownership.state === 'claimed' || request.pre) {
        onFound(true);
        return own;
      }
    }
    for (let attempt = 1; ; attempt += 1) {
      const { device } = await builder.find({ id });
      refuseUnless(device, request);
      onFound(device?.registered !== undefined);
      const standing = device?.accountId === accountId ? device : undefined;
      const generation = standing?.generation ?? (device?.generation ?? 0) + 1;
      const intent = this.#intent(id, generation, request);
      await store.write([records.beginIntent(intent)]);
      try {
        return await this.#complete(standing ?? (await this.#bind(intent, request)), intent);
      } catch (error) {
        // The answer may be lost and the bind done: only a refusal ends the intent, the rest is settled later.
        if (!isRefusal(error)) throw error;
        await store.write([records.endIntent(id)]);
        if (isCodedError(error, 'GENERATION_STALE') && attempt < ATTEMPTS) continue;
        throw inOurWords(error);
      }
    }
  }

  async #bind(intent: Intent, { product, pre }: ClaimRequest): Promise<Registration> {
    const { builder, secret } = this.#options;
    const { deviceId: id, accountId, generation } = intent;
    const token = signDeviceToken({ deviceId: id, accountId, generation }, await secret());
    return builder.bind({ id, accountId, generation, token, product, ...(pre ? { pre } : {}) });
  }

  #intent(deviceId: string, generation: number, { accountId, actor, pre }: ClaimRequest): Intent {
    const started = isoTime(this.#options.clock);
    return { kind: 'claim', deviceId, accountId, generation, actor, started, ...(pre ? { pre } : {}) };
  }

  async #settleEarlier(deviceId: string): Promise<void> {
    const earlier = await this.#options.records.intent(deviceId);
    if (earlier?.kind === 'claim') await this.settle(earlier);
    else if (earlier) {
      throw deviceError('DEVICE_BUSY', 'this device is being released: try again in a moment', {
        retryAfter: 5000,
      });
    }
  }

  /** One commit makes the ownership, the Device item and the audit record, and ends the intent. */
  async #complete(registration: Registration, intent: Intent): Promise<DeviceItem> {
    const { store, records, audit, clock } = this.#options;
    const { accountId, deviceId, actor } = intent;
    const { generation } = registration;
    const now = isoTime(clock);
    const archiveKey = archivedDeviceKey(accountId, deviceId);
    const stored = await store.get(archiveKey.pk, archiveKey.sk);
    const archived = isDeviceItem(stored) ? stored : undefined;
    const device = newDeviceItem(registration, { accountId, now, archived });
    const waiting = !registration.registered;
    await store.write([
      records.putOwnership({
        ...ownershipOf(registration, now),
        accountId,
        generation,
        state: waiting ? 'waiting' : 'claimed',
      }),
      { put: device },
      audit.entry(
        { accountId },
        { action: waiting ? 'device.preclaimed' : 'device.claimed', actor, accountId, deviceId },
      ),
      ...(archived ? [{ remove: archiveKey }] : []),
      records.endIntent(deviceId),
    ]);
    return device;
  }

  async #registered(ownership: Ownership, registration: Registration): Promise<void> {
    const { store, records, audit, clock } = this.#options;
    const { accountId, deviceId } = ownership;
    const now = isoTime(clock);
    const previous = await this.#deviceItem(accountId, deviceId);
    const device = newDeviceItem(registration, { accountId, now, archived: previous });
    await store.write([
      records.putOwnership({ ...ownership, ...ownershipOf(registration, now), state: 'claimed' }),
      { put: { ...device, created: previous?.created ?? now } },
      audit.entry(
        { accountId },
        { action: 'device.claimed', actor: `device:${deviceId}`, accountId, deviceId },
      ),
    ]);
  }

  async #deviceItem(accountId: string, deviceId: string): Promise<DeviceItem | undefined> {
    const { pk, sk } = deviceKey(accountId, deviceId);
    const item = await this.#options.store.get(pk, sk);
    return isDeviceItem(item) ? item : undefined;
  }

  /** Both see it: the account that tried, and the one whose device it was tried on. */
  async #tellOwners(deviceId: string, { accountId, actor, address }: ClaimRequest): Promise<void> {
    const { audit, records } = this.#options;
    const action = 'device.claim-denied';
    await audit.record({ accountId }, { action, actor, accountId, address, details: { tried: deviceId } });
    const owner = await records.ownership(deviceId);
    if (owner && owner.state !== 'released' && owner.accountId !== accountId) {
      // The other tenant's name is not the owner's to know: only that somebody holds this claim ID.
      await audit.record(
        { accountId: owner.accountId },
        { action, actor: 'another account', accountId: owner.accountId, deviceId, address },
      );
    }
  }
}

function ownershipOf(
  { id, product, publicKey }: Registration,
  changed: string,
): Pick<Ownership, 'deviceId' | 'changed' | 'product' | 'publicKey'> {
  return { deviceId: id, changed, ...(product ? { product } : {}), ...(publicKey ? { publicKey } : {}) };
}

function refuseUnless(device: Registration | undefined, { accountId, pre, product }: ClaimRequest): void {
  if (device?.claimed && device.accountId !== accountId) throw claimedByAnother();
  if (!device?.registered && !pre) throw neverRegistered();
  if (product && device?.product && device.product !== product) throw neverRegistered();
}

function isMiss(error: unknown): boolean {
  return isCodedError(error, 'DEVICE_NEVER_REGISTERED') || isCodedError(error, 'DEVICE_CLAIMED');
}

/** The builder has answered, and the answer is no. */
function isRefusal(error: unknown): error is CodedError {
  return isCodedError(error) && error.status !== undefined && error.status < 500;
}

function inOurWords(error: CodedError): CodedError {
  switch (error.code) {
    case 'DEVICE_CLAIMED':
    case 'GENERATION_STALE':
      return claimedByAnother();
    case 'DEVICE_NOT_REGISTERED':
    case 'PRODUCT_CONFLICT':
      return neverRegistered();
    default:
      return error;
  }
}

function claimedByAnother() {
  return deviceError(
    'DEVICE_CLAIMED',
    'this device belongs to another account: it must be released there first',
  );
}

function neverRegistered() {
  return deviceError(
    'DEVICE_NEVER_REGISTERED',
    'no device with this claim ID has ever registered: check the ID, connect the device and power it on once, or claim it in advance ("pre")',
  );
}
