import { isCodedError, isoTime } from '@ioto/runtime';
import type { AwsServiceParts } from '../aws-services.ts';
import { issuedEntry, revokedEntry } from '../devices/certificate-entries.ts';
import {
  certificateStanding,
  onActivate,
  onIssuePending,
  pendingToRepeat,
} from '../devices/certificate-plan.ts';
import { deviceError } from '../devices/device-errors.ts';
import type { CertificateRecord, Ownership } from '../devices/device-records.ts';
import type { IssuedCertificate } from '../ports/certificate-authority.ts';
import type { DevicePrincipal } from '../ports/device-endpoint.ts';
import { refusal } from './certificate-errors.ts';
import type { OwnershipTokens } from './ownership-tokens.ts';

export interface CertificateDeskOptions
  extends Pick<
    AwsServiceParts,
    'store' | 'records' | 'audit' | 'authority' | 'provisioning' | 'turns' | 'door' | 'clock'
  > {
  tokens: OwnershipTokens;
}

/** A certificate that was asked for over MQTT. */
export interface PendingCertificate {
  certificate: string;
  /** Only when the cloud made it; it is kept nowhere. */
  key?: string;
  token: string;
}

export interface RevokeOrder {
  accountId: string;
  deviceId: string;
  /** One certificate, lower-case hexadecimal; without it all that the account's device has. */
  serial?: string;
  /** For the audit record. */
  actor: string;
}

type Asker = Pick<DevicePrincipal, 'deviceId' | 'accountId' | 'generation' | 'dialect' | 'serial'>;

/**
 * Certificates beyond the first: asked for by connected devices, activated, and revoked by their owner. Only who came with a
 * certificate is given another: what was lent to a certificate must not outlive its revocation.
 */
export class CertificateDesk {
  readonly #options: CertificateDeskOptions;

  constructor(options: CertificateDeskOptions) {
    this.#options = options;
  }

  /**
   * A certificate for the key of a request, which voids nothing before it is used. The same again for the same key, for as
   * long as it waits.
   *
   * @throws InvalidCsr, AccessDenied, Throttled.
   */
  async createFromCsr(asker: Asker, csr: string): Promise<PendingCertificate> {
    refuseWithoutCertificate(asker);
    this.#count(asker);
    const publicKey = this.#keyOf(csr);
    return this.#inTurn(asker, async (ownership, earlier) => {
      const { authority, clock } = this.#options;
      const repeat = pendingToRepeat(earlier, { publicKey, ownership, now: clock.now() });
      if (repeat) return { certificate: repeat.certificate, token: await this.#options.tokens.make(repeat) };
      return this.#record(asker, await authority.certify(asker.deviceId, publicKey), earlier);
    });
  }

  /** The same with a key that the cloud makes. @throws AccessDenied, Throttled. */
  async createWithKey(asker: Asker): Promise<PendingCertificate> {
    refuseWithoutCertificate(asker);
    this.#count(asker);
    return this.#inTurn(asker, async (_ownership, earlier) => {
      const { key, ...made } = await this.#options.authority.certifyNewKey(asker.deviceId);
      return { ...(await this.#record(asker, made, earlier)), key };
    });
  }

  /**
   * Lets a certificate hold for its whole life, also before it is used. The others still hold until it is.
   *
   * @throws InvalidCertificateOwnershipToken, AccessDenied.
   */
  async activate(asker: Asker, token: string): Promise<void> {
    refuseWithoutCertificate(asker);
    const owned = await this.#options.tokens.open(token, asker.deviceId);
    await this.#inTurn(asker, async (ownership, earlier) => {
      const { store, records, clock } = this.#options;
      const record = earlier.find(({ serial }) => serial === owned?.serial);
      if (!record || !certificateStanding(record, ownership, clock.now()).good) {
        throw refusal(
          'InvalidCertificateOwnershipToken',
          'the certificate ownership token is not of this device, or over: ask for another certificate',
        );
      }
      // Done before, or the device was faster and has used it.
      if (!record.pending) return;
      const changed = onActivate(record, earlier, isoTime(clock));
      await store.write(changed.map((each) => records.putCertificate(each)));
    });
  }

  /**
   * Voids certificates, from now on and on the connections that came with them. The device may ask for another with its
   * identity key, as long as the account has it.
   *
   * @throws DEVICE_UNKNOWN, CERTIFICATE_UNKNOWN (404).
   */
  async revoke({ accountId, deviceId, serial, actor }: RevokeOrder): Promise<string[]> {
    const { store, records, audit, turns, door, clock } = this.#options;
    return turns.run(deviceId, async () => {
      if (!(await records.held(accountId, deviceId))) {
        throw deviceError('DEVICE_UNKNOWN', `this account has no device ${deviceId}`);
      }
      const all = await records.certificates(deviceId);
      const own = all.filter((record) => record.accountId === accountId);
      const named = serial === undefined ? own : own.filter((record) => record.serial === serial);
      if (named.length === 0 && serial !== undefined) {
        throw deviceError(
          'CERTIFICATE_UNKNOWN',
          `${deviceId} has no certificate with the serial number ${serial}`,
        );
      }
      const [revoked, reason] = [isoTime(clock), 'revoked by its owner'];
      const changed = named
        .filter((record) => !record.revoked)
        .map((record) => ({ ...record, revoked, reason }));
      await store.write(
        changed.flatMap((record) => [
          records.putCertificate(record),
          audit.entry({ accountId }, revokedEntry(record, actor)),
        ]),
      );
      const serials = changed.map((record) => record.serial);
      door.revoked(deviceId, serials);
      return serials;
    });
  }

  #count({ deviceId }: Asker): void {
    try {
      this.#options.provisioning.refuseExcess(deviceId);
    } catch (error) {
      throw refusal('Throttled', (error as Error).message, error);
    }
  }

  #keyOf(csr: string): string {
    try {
      return this.#options.authority.keyOfRequest(csr);
    } catch (error) {
      throw isCodedError(error) ? refusal('InvalidCsr', error.message, error) : error;
    }
  }

  /** What is done to a device's certificates is done one after the other; a release or a revocation may have come first. */
  #inTurn<T>(
    { deviceId, generation, serial }: Asker,
    run: (ownership: Ownership, earlier: CertificateRecord[]) => Promise<T>,
  ): Promise<T> {
    const { turns, records, clock } = this.#options;
    return turns.run(deviceId, async () => {
      const ownership = await records.ownership(deviceId);
      if (ownership?.state !== 'claimed' || ownership.generation !== generation) {
        throw refusal('InvalidParameters', 'the device has been released');
      }
      const earlier = await records.certificates(deviceId);
      const own = earlier.find((record) => record.serial === serial);
      const standing = certificateStanding(own, ownership, clock.now());
      if (!standing.good) throw refusal('AccessDenied', standing.reason);
      return run(ownership, earlier);
    });
  }

  /** Durable before the answer leaves: a certificate that works must have its record. */
  async #record(
    { deviceId, accountId, generation, dialect }: Asker,
    { serial, certificate, publicKey, issued, expires }: IssuedCertificate,
    earlier: CertificateRecord[],
  ): Promise<PendingCertificate> {
    const { store, records, audit, tokens, clock } = this.#options;
    const created = isoTime(clock);
    const facts = { serial, certificate, publicKey, issued, expires, created };
    const record: CertificateRecord = { ...facts, deviceId, accountId, generation, dialect, pending: true };
    await store.write([
      records.putCertificate(record),
      ...onIssuePending(earlier, created).remove.map((each) => records.removeCertificate(each)),
      audit.entry({ accountId }, issuedEntry(record)),
    ]);
    return { certificate, token: await tokens.make(record) };
  }
}

function refuseWithoutCertificate({ serial }: Asker): void {
  if (serial !== undefined) return;
  throw refusal(
    'AccessDenied',
    'certificates are given out on a connection with a certificate of the device',
  );
}
