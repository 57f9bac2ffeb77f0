import { type ProvisionAnswer, type Registration, type SignedParts, verifyRequest } from '@ioto/protocol';
import { type Clock, isoTime } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import { deviceAuthenticationFailed, deviceNotFound } from '../http/agent-dialect.ts';
import type { AccountDirectory } from '../identity/accounts.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { BuilderClient } from '../ports/builder-client.ts';
import type { CertificateAuthority, IssuedCertificate } from '../ports/certificate-authority.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { recoveredEntry } from './certificate-entries.ts';
import { certificateToRepeat, hasExpired, onIssue } from './certificate-plan.ts';
import type { CloudPlace } from './cloud-place.ts';
import { deviceError } from './device-errors.ts';
import type { CertificateRecord, DeviceRecords, Ownership } from './device-records.ts';
import { readDeviceToken } from './device-token.ts';
import type { Turns } from './turns.ts';

/** Provisions that one device may ask for: enough for five a boot in a bad hour, far from what an endless loop takes. */
const PER_DEVICE = { burst: 30, period: 3_600_000 };
/** Attempts of impostors that the owner is told of, for each device: enough to see, too few to bury all else. */
const IMPOSTORS_TOLD = { burst: 10, period: 3_600_000 };
/** Milliseconds that a device is told to stay away when it asks for more. */
const STAY_AWAY = 3_600_000;

export interface ProvisionCall extends DeviceCall {
  /** The device ID that the body names. */
  id: string;
  csr?: string;
}

/** A request of a device that shows its token. */
export interface DeviceCall {
  /** Of the Authorization header. */
  token: string | undefined;
  /** What a signature of the request covers, and the signature header as it came. */
  signed: SignedParts;
  signature: string | undefined;
  address: string;
}

export interface ProvisioningOptions {
  store: ItemStore;
  records: DeviceRecords;
  builder: BuilderClient;
  authority: CertificateAuthority;
  accounts: AccountDirectory;
  audit: AuditLog;
  turns: Turns;
  secret: () => Promise<Buffer>;
  place: () => CloudPlace;
  /** Completes a claim that was made before the device registered. */
  completeWaiting: (registration: Registration) => Promise<void>;
  /** Told of every certificate that was issued to a device that had one. */
  onReplaced?: (deviceId: string) => void;
  clock: Clock;
}

/** Gives claimed devices their certificates (Ioto contract §6). */
export class DeviceProvisioning {
  readonly #options: ProvisioningOptions;
  readonly #perDevice: TokenBuckets;
  readonly #impostors: TokenBuckets;

  constructor(options: ProvisioningOptions) {
    this.#options = options;
    const { clock } = options;
    this.#perDevice = new TokenBuckets({ clock, rule: PER_DEVICE });
    this.#impostors = new TokenBuckets({ clock, rule: IMPOSTORS_TOLD });
  }

  /**
   * The certificate for a device, the same again for the same key.
   *
   * @throws DEVICE_AUTHENTICATION_FAILED (401) and DEVICE_NOT_FOUND (404), on which a device registers anew;
   * DEVICE_MISMATCH and DEVICE_EXPIRED (403); SIGNATURE_… (401); CSR_… (400); PROVISION_TOO_OFTEN (429); DEVICE_NOT_READY (503).
   */
  async provision(call: ProvisionCall): Promise<ProvisionAnswer> {
    const ownership = await this.authenticate(call);
    const publicKey = call.csr === undefined ? undefined : this.#options.authority.keyOfRequest(call.csr);
    this.refuseExcess(ownership.deviceId);
    return this.#options.turns.run(ownership.deviceId, async () =>
      this.#issue(await this.#stillOwned(ownership), publicKey),
    );
  }

  /**
   * The ownership that a device's token is of, once the device that registered with a key has signed the call with it.
   *
   * @throws as `identify`, and SIGNATURE_… (401).
   */
  async authenticate(call: DeviceCall & { id?: string }): Promise<Ownership> {
    const ownership = await this.identify(call);
    await this.#refuseImpostor(ownership, call);
    return ownership;
  }

  /**
   * The ownership that a device's token is of. `id` is what the body names, if it names one.
   *
   * @throws DEVICE_AUTHENTICATION_FAILED (401), DEVICE_NOT_FOUND (404), DEVICE_MISMATCH (403), DEVICE_NOT_READY (503).
   */
  async identify({ token, id }: { token: string | undefined; id?: string }): Promise<Ownership> {
    const claims = token ? readDeviceToken(token, await this.#options.secret()) : undefined;
    if (!claims) throw deviceAuthenticationFailed('the token is not one of this cloud: register again');
    if (id !== undefined && id !== claims.deviceId) {
      throw deviceError('DEVICE_MISMATCH', 'the body names another device than the token');
    }
    const ownership = await this.#ownershipFor(claims.deviceId);
    if (ownership.generation !== claims.generation || ownership.accountId !== claims.accountId) {
      throw deviceAuthenticationFailed(
        'the device has changed hands since this token was made: register again',
      );
    }
    return ownership;
  }

  async #ownershipFor(deviceId: string): Promise<Ownership> {
    const { records, builder, turns, completeWaiting } = this.#options;
    let ownership = await records.ownership(deviceId);
    if (ownership?.state !== 'claimed' && (await records.intent(deviceId))?.kind === 'claim') {
      // The device is faster than the cloud, which is about to write down the claim that the builder has granted.
      await turns.run(deviceId, async () => undefined);
      ownership = await records.ownership(deviceId);
    }
    if (ownership?.state === 'waiting') {
      // The device is faster than the builder's word that it has registered.
      const { device } = await builder.find({ id: deviceId });
      if (device) await completeWaiting(device);
      ownership = await records.ownership(deviceId);
    }
    const intent = ownership?.state === 'claimed' ? undefined : await records.intent(deviceId);
    if (intent?.kind === 'claim') {
      throw deviceError('DEVICE_NOT_READY', 'the claim of this device is being completed', {
        retryAfter: 2000,
      });
    }
    if (!ownership) throw deviceNotFound('this cloud does not hold the device: register again');
    if (ownership.state !== 'claimed') {
      throw deviceAuthenticationFailed('the device has been released: register again');
    }
    return ownership;
  }

  /** The ownership as it stands in the device's turn: a release may have come first. */
  async #stillOwned({ deviceId, generation }: Ownership): Promise<Ownership> {
    const ownership = await this.#options.records.ownership(deviceId);
    if (ownership?.state === 'claimed' && ownership.generation === generation) return ownership;
    throw deviceAuthenticationFailed('the device has been released: register again');
  }

  /** A device that registered with a key must sign; whoever only read its label and knows the product cannot. */
  async #refuseImpostor(ownership: Ownership, call: DeviceCall): Promise<void> {
    const { audit, clock } = this.#options;
    const { publicKey, deviceId, accountId } = ownership;
    if (!publicKey) return;
    try {
      verifyRequest(call.signed, call.signature, publicKey, clock.now());
    } catch (error) {
      if (this.#impostors.take(deviceId) === 0) {
        const action = 'device.impostor-denied';
        await audit.record(
          { accountId },
          { action, actor: 'nobody', accountId, deviceId, address: call.address },
        );
      }
      throw error;
    }
  }

  /**
   * Counts a certificate that the device asks for, by whatever way.
   *
   * @throws PROVISION_TOO_OFTEN (429)
   */
  refuseExcess(deviceId: string): void {
    if (this.#perDevice.take(deviceId) === 0) return;
    throw deviceError(
      'PROVISION_TOO_OFTEN',
      `excessive traffic: this device asked for more than ${PER_DEVICE.burst} provisions in an hour`,
      { retryAfter: STAY_AWAY },
    );
  }

  async #issue(ownership: Ownership, publicKey: string | undefined): Promise<ProvisionAnswer> {
    const { records, authority, clock } = this.#options;
    const { deviceId } = ownership;
    const earlier = await records.certificates(deviceId);
    const repeat = publicKey && certificateToRepeat(earlier, { publicKey, ownership, now: clock.now() });
    if (repeat) return this.#answer(ownership, repeat);
    if (hasExpired(earlier, ownership, clock.now())) await this.#refuseReturn(ownership);
    const made: IssuedCertificate & { key?: string } = publicKey
      ? await authority.certify(deviceId, publicKey)
      : await authority.certifyNewKey(deviceId);
    await this.#record(ownership, { made, earlier, dialect: publicKey ? 'current' : 'old' });
    return this.#answer(ownership, made);
  }

  /** A device whose certificate ended while it was off comes back by its token and its key, unless its owner minds. */
  async #refuseReturn({ deviceId, accountId }: Ownership): Promise<void> {
    const account = await this.#options.accounts.get(accountId);
    if (account?.recoverExpired !== false) return;
    throw deviceError(
      'DEVICE_EXPIRED',
      `the certificate of ${deviceId} has ended, and its account does not let such devices come back by themselves: release it and claim it again`,
    );
  }

  /** Durable before the answer leaves: a certificate that works must have its record. */
  async #record(
    ownership: Ownership,
    issue: { made: IssuedCertificate; earlier: CertificateRecord[]; dialect: 'old' | 'current' },
  ): Promise<void> {
    const { store, records, audit, clock, onReplaced } = this.#options;
    const { deviceId, accountId, generation } = ownership;
    const { serial, certificate, publicKey, issued, expires } = issue.made;
    const { dialect, earlier } = issue;
    const now = isoTime(clock);
    const facts = { serial, certificate, publicKey, issued, expires, dialect };
    const changes = onIssue(earlier, now);
    const record: CertificateRecord = { ...facts, deviceId, accountId, generation, created: now };
    const ended = hasExpired(earlier, ownership, clock.now()) ? earlier[0]?.expires : undefined;
    await store.write([
      records.putCertificate(record),
      ...changes.put.map((record) => records.putCertificate(record)),
      ...changes.remove.map((record) => records.removeCertificate(record)),
      ...(ownership.dialect === dialect ? [] : [records.putOwnership({ ...ownership, dialect })]),
      audit.entry(
        { accountId },
        {
          action: 'device.provisioned',
          actor: `device:${deviceId}`,
          accountId,
          deviceId,
          // A further provision of a device that signs nothing is the trace that an impostor would leave.
          details: {
            serial,
            expires,
            again: changes.put.length > 0,
            signed: ownership.publicKey !== undefined,
          },
        },
      ),
      ...(ended === undefined ? [] : [audit.entry({ accountId }, recoveredEntry(record, ended))]),
    ]);
    if (changes.put.length > 0) onReplaced?.(deviceId);
  }

  #answer(
    { deviceId: id, accountId }: Ownership,
    issued: { certificate: string; expires: string; key?: string },
  ): ProvisionAnswer {
    const { name, type, region, endpoint, port } = this.#options.place();
    return {
      id,
      accountId,
      certificate: issued.certificate,
      ...(issued.key ? { key: issued.key } : {}),
      endpoint,
      port,
      cloudType: type,
      cloudName: name,
      cloudRegion: region,
      ca: this.#options.authority.authority,
      expires: issued.expires,
      // Agents of before know nothing of it, and read what they do not know as nothing.
      ...(issued.key ? {} : { sync: 1 }),
    };
  }
}
