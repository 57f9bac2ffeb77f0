import { type Clock, isoTime, type Logger, messageOf } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { DeviceBearer } from '../ports/credential-issuer.ts';
import type {
  Admission,
  ConnectionEnd,
  DeviceClientRights,
  DeviceEndpoint,
  DeviceGate,
  DeviceMessage,
  DevicePrincipal,
  LimitNote,
  PeerCertificate,
} from '../ports/device-endpoint.ts';
import type { ItemStore } from '../ports/item-store.ts';
import type { Peers } from '../sync/hello/peers.ts';
import { provenEntry, revokedEntry } from './certificate-entries.ts';
import { certificateStanding, onFirstUse, REPLACEMENT_GRACE } from './certificate-plan.ts';
import type { ConnectionHistory } from './connection-history.ts';
import type { DeviceRecords } from './device-records.ts';
import type { Presence } from './presence.ts';
import type { Turns } from './turns.ts';

export interface DeviceDoorOptions {
  store: ItemStore;
  records: DeviceRecords;
  rights: RightsGiver;
  presence: Presence;
  history: ConnectionHistory;
  endpoint: Pick<DeviceEndpoint, 'disconnect'>;
  audit: Pick<AuditLog, 'entry'>;
  messages: { receive(principal: DevicePrincipal, message: DeviceMessage): Promise<void> };
  /** Who has agreed on more than the contract, by the connection that they have. */
  peers: Pick<Peers, 'forget'>;
  turns: Turns;
  clock: Clock;
  logger: Logger;
}

/** Steps between two turns of the loop when devices are looked at again; one of a device costs so many of passing it over. */
const AT_A_TIME = 1000;
const OWN_DEVICE = 100;
/** Milliseconds that an admission takes at the longest until it is a connection. */
const ADMISSION = 60_000;
const REVOKED = 'the certificate was revoked';
const DENIED = 'a policy of the account denies iot:Connect';

/** What the door asks about the rights of devices. */
export interface RightsGiver {
  /** Rights that follow the policies of the account for as long as it is in use. */
  of(device: {
    deviceId: string;
    accountId: string;
    product?: string;
    /** Address that it comes from. */
    sourceIp: string;
  }): Promise<DeviceClientRights>;
  use(accountId: string): void;
  leave(accountId: string): void;
}

/** What is known of a device that stands before the door. */
interface Newcomer extends Omit<DevicePrincipal, 'kind' | 'rights'> {
  product: string | undefined;
}

/** Lets devices in by their certificates' records and the policies of their account, and passes on what they say. */
export class DeviceDoor implements DeviceGate {
  readonly #options: DeviceDoorOptions;
  /** Who is connected, with which certificate. */
  readonly #inside = new Map<string, DevicePrincipal>();
  /** Accounts whose policies have changed since its devices were looked at. */
  readonly #changed = new Set<string>();
  #looking = false;
  /** Devices whose certificate is looked at again. */
  readonly #watched = new Set<string>();
  /** Serial numbers that were revoked a moment ago: one that was admitted just before may only now be connected. */
  readonly #revoked = new Set<string>();

  constructor(options: DeviceDoorOptions) {
    this.#options = options;
  }

  async admit({ deviceId, serial }: PeerCertificate, remoteAddress: string): Promise<Admission> {
    const first = await this.#look(deviceId, serial);
    if (!first.admitted) return first;
    if (first.used) return this.#letIn(first.newcomer, remoteAddress);
    // Before the device is let in: from its first connect on, the certificates that this one replaced are void.
    await this.#firstUse(deviceId, serial);
    // That may have waited for a release.
    const second = await this.#look(deviceId, serial);
    return second.admitted ? this.#letIn(second.newcomer, remoteAddress) : second;
  }

  /**
   * A credential is good for the ownership that it was issued under, and as long as the certificate that it was given for; it
   * has no record of its own.
   */
  async admitBearer(
    { deviceId, accountId, generation, ofCertificate }: DeviceBearer,
    remoteAddress: string,
  ): Promise<Admission> {
    const ownership = await this.#options.records.ownership(deviceId);
    if (ownership?.state !== 'claimed') return { admitted: false, reason: 'the device is not claimed' };
    if (ownership.generation !== generation || ownership.accountId !== accountId) {
      return { admitted: false, reason: 'the credential is of an earlier ownership' };
    }
    if (ofCertificate !== undefined) {
      const lender = await this.#look(deviceId, ofCertificate);
      if (!lender.admitted) return lender;
    }
    const { dialect = 'current', product } = ownership;
    const facts = { deviceId, accountId, generation, dialect, product };
    return this.#letIn(ofCertificate === undefined ? facts : { ...facts, ofCertificate }, remoteAddress);
  }

  /** The policies of the account have the last word, and go on having it. */
  async #letIn({ product, ...facts }: Newcomer, remoteAddress: string): Promise<Admission> {
    const { deviceId, accountId } = facts;
    const rights = await this.#options.rights.of({ deviceId, accountId, product, sourceIp: remoteAddress });
    if (!rights.mayConnect()) return { admitted: false, reason: DENIED };
    return { admitted: true, principal: { kind: 'device', ...facts, rights } };
  }

  async #look(
    deviceId: string,
    serial: string,
  ): Promise<{ admitted: false; reason: string } | { admitted: true; newcomer: Newcomer; used: boolean }> {
    const { records, clock } = this.#options;
    const [record, ownership] = await Promise.all([
      records.certificate(deviceId, serial),
      records.ownership(deviceId),
    ]);
    const standing = certificateStanding(record, ownership, clock.now());
    if (!standing.good) return { admitted: false, reason: standing.reason };
    const { accountId, generation, dialect, used, replaced } = standing.record;
    // Also after a restart of the cloud, which forgets whom it watches.
    if (replaced) this.#watch(deviceId, Date.parse(replaced) + REPLACEMENT_GRACE - clock.now());
    const newcomer = { deviceId, accountId, generation, serial, dialect, product: ownership?.product };
    return { admitted: true, newcomer, used: used !== undefined };
  }

  async connected(principal: DevicePrincipal): Promise<void> {
    const { deviceId, accountId } = principal;
    this.#inside.set(deviceId, principal);
    this.#options.peers.forget(deviceId);
    this.#options.rights.use(accountId);
    // The policies may have changed since it was let in.
    this.#checkAgain(principal);
    const serial = cameBy(principal);
    if (serial && this.#revoked.has(serial)) this.#sendAway(principal);
    // Sent away, it is gone already: it must not be shown as one that came after that.
    if (this.#inside.get(deviceId) !== principal) return;
    await this.#options.presence.connected(deviceId, accountId);
  }

  async disconnected(principal: DevicePrincipal, end: ConnectionEnd): Promise<void> {
    const { deviceId, accountId } = principal;
    this.#options.history.ended(deviceId, accountId, end);
    this.#options.rights.leave(accountId);
    // A device that came back by another connection is not gone when the first one ends.
    if (this.#inside.get(deviceId) !== principal) return;
    this.#inside.delete(deviceId);
    this.#options.peers.forget(deviceId);
    this.#options.presence.disconnected(deviceId, accountId);
  }

  limitExceeded(deviceId: string, accountId: string, note: LimitNote): void {
    this.#options.history.exceeded(deviceId, accountId, note);
  }

  async received(principal: DevicePrincipal, message: DeviceMessage): Promise<void> {
    await this.#options.messages.receive(principal, message);
  }

  /** Sends away the devices of an account that its policies do not let connect any more; the others follow them anyway. */
  policiesChanged(accountId: string): void {
    this.#changed.add(accountId);
    if (this.#looking) return;
    this.#lookAgain().catch((error) =>
      this.#options.logger.error({ accountId, error: messageOf(error) }, 'cannot look at devices again'),
    );
  }

  /** A few devices at a time: an account may have many, and others are not to wait for them. */
  async #lookAgain(): Promise<void> {
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    this.#looking = true;
    try {
      for (const accountId of this.#changed) {
        // What changes from here on is looked at once more.
        this.#changed.delete(accountId);
        let seen = 0;
        for (const principal of this.#inside.values()) {
          if (principal.accountId === accountId) this.#checkAgain(principal);
          seen += principal.accountId === accountId ? OWN_DEVICE : 1;
          if (seen < AT_A_TIME) continue;
          seen = 0;
          await turn();
        }
      }
    } finally {
      this.#looking = false;
    }
  }

  #checkAgain({ deviceId, accountId, rights }: DevicePrincipal): void {
    if (rights.mayConnect()) return;
    this.#options.logger.info({ deviceId, accountId }, 'device sent away: a policy denies iot:Connect');
    this.#options.endpoint.disconnect(deviceId, DENIED);
  }

  /** The records of these certificates say that they are void: who came in with one, or what was lent to it, is sent away. */
  revoked(deviceId: string, serials: readonly string[]): void {
    for (const serial of serials) {
      this.#revoked.add(serial);
      this.#options.clock.after(ADMISSION, () => this.#revoked.delete(serial), { unref: true });
    }
    const principal = this.#inside.get(deviceId);
    const serial = principal && cameBy(principal);
    if (serial && serials.includes(serial)) this.#sendAway(principal);
  }

  #sendAway({ deviceId, accountId }: DevicePrincipal): void {
    this.#options.logger.info({ deviceId, accountId }, `device sent away: ${REVOKED}`);
    this.#options.endpoint.disconnect(deviceId, REVOKED);
  }

  /** A device that was given a new certificate may stay connected with the old one for as long as that holds. */
  replaced(deviceId: string): void {
    this.#watch(deviceId, REPLACEMENT_GRACE);
  }

  #watch(deviceId: string, ms: number): void {
    if (this.#watched.has(deviceId)) return;
    this.#watched.add(deviceId);
    const { clock, logger } = this.#options;
    clock.after(
      ms,
      () => {
        this.#watched.delete(deviceId);
        this.#closeStale(deviceId).catch((error) =>
          logger.error({ deviceId, error: messageOf(error) }, 'cannot check a replaced certificate'),
        );
      },
      { unref: true },
    );
  }

  async #closeStale(deviceId: string): Promise<void> {
    const principal = this.#inside.get(deviceId);
    if (!principal) return;
    const serial = cameBy(principal);
    if (serial === undefined) return;
    const admission = await this.#look(deviceId, serial);
    if (!admission.admitted) this.#options.endpoint.disconnect(deviceId);
  }

  async #firstUse(deviceId: string, serial: string): Promise<void> {
    const { store, records, audit, turns, clock } = this.#options;
    await turns.run(deviceId, async () => {
      const all = await records.certificates(deviceId);
      const record = all.find((each) => each.serial === serial);
      if (!record || record.used || record.revoked) return;
      const [used, ...revoked] = onFirstUse(record, all, isoTime(clock));
      const told = record.pending === true || revoked.length > 0;
      await store.write([
        ...[used, ...revoked].flatMap((each) => (each ? records.putCertificate(each) : [])),
        // The first certificate of a device has its entry already, as what it was provisioned with.
        ...(told ? [audit.entry(record, provenEntry(record))] : []),
        ...revoked.map((each) => audit.entry(record, revokedEntry(each, `device:${deviceId}`))),
      ]);
      // A connection that came with one of those, where this one came another way.
      this.revoked(
        deviceId,
        revoked.map((each) => each.serial),
      );
    });
  }
}

/** Serial number of the certificate that a connection stands on, itself or by the credential that it was given. */
function cameBy({ serial, ofCertificate }: DevicePrincipal): string | undefined {
  return serial ?? ofCertificate;
}
