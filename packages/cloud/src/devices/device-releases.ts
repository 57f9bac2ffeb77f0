import { deviceTopic } from '@ioto/protocol';
import { type Clock, isoTime } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { BuilderClient } from '../ports/builder-client.ts';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, Write } from '../ports/item-store.ts';
import { deviceError } from './device-errors.ts';
import { archivedDeviceKey, deviceKey } from './device-item.ts';
import type { DeviceRecords, Intent } from './device-records.ts';
import type { Turns } from './turns.ts';

/** Milliseconds that a connected device is given to acknowledge its release; old agents never do. */
const GOODBYE = 5000;

export interface ReleaseOrder {
  deviceId: string;
  accountId: string;
  /** For the audit record. */
  actor: string;
  /** Also drop the identity key that the device registered with: it has lost it, and its next register brings another. */
  forgetKey?: boolean;
}

export interface DeviceReleasesOptions {
  store: ItemStore;
  records: DeviceRecords;
  builder: BuilderClient;
  endpoint: DeviceEndpoint;
  audit: AuditLog;
  turns: Turns;
  /** Removes what waits for the device, so that its next owner does not get it. */
  dropPending: (accountId: string, deviceId: string) => Promise<void>;
  /** Puts away what services keep of it. */
  leaving: (accountId: string, deviceId: string) => Promise<void>;
  clock: Clock;
}

/** Takes devices from accounts, in the order of Ioto contract §9; the same whether the device is on or off. */
export class DeviceReleases {
  readonly #options: DeviceReleasesOptions;

  constructor(options: DeviceReleasesOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the device is nobody's and its connection is closed.
   *
   * @throws DEVICE_UNKNOWN (404), BUILDER_UNREACHABLE (503): then the release goes on by itself as soon as the builder
   * can be asked.
   */
  async release(request: ReleaseOrder): Promise<void> {
    const { deviceId, accountId, actor, forgetKey } = request;
    const { records, store, turns, clock } = this.#options;
    await turns.run(deviceId, async () => {
      const earlier = await records.intent(deviceId);
      if (earlier?.kind === 'release' && earlier.accountId === accountId) return this.carryOut(earlier);
      const ownership = await records.held(accountId, deviceId);
      if (!ownership) throw deviceError('DEVICE_UNKNOWN', `this account has no device ${deviceId}`);
      const { generation } = ownership;
      const started = isoTime(clock);
      const facts = { deviceId, accountId, generation, actor, started };
      const intent: Intent = { kind: 'release', ...facts, ...(forgetKey ? { forgetKey } : {}) };
      await store.write([records.beginIntent(intent)]);
      return this.carryOut(intent);
    });
  }

  /** Does what is left of a release. Every step may be done twice. */
  async carryOut(intent: Intent): Promise<void> {
    const { deviceId, generation, forgetKey } = intent;
    const { builder } = this.#options;
    if (!intent.unbound) {
      await builder.release({ id: deviceId, generation, ...(forgetKey ? { forgetKey } : {}) });
      await this.#unbind(intent);
    }
    await this.#sayGoodbye(deviceId);
    await this.#clearUp(intent);
  }

  /** From this commit on the device's token and certificates carry a generation that is over. */
  async #unbind(intent: Intent): Promise<void> {
    const { store, records, audit, clock } = this.#options;
    const { deviceId, accountId, generation, actor } = intent;
    const ownership = await records.ownership(deviceId);
    const now = isoTime(clock);
    const key = deviceKey(accountId, deviceId);
    const device = await store.get(key.pk, key.sk);
    const writes: Write[] = [
      records.putIntent({ ...intent, unbound: true }),
      audit.entry({ accountId }, { action: 'device.released', actor, accountId, deviceId }),
    ];
    if (ownership?.generation === generation) {
      const released = { ...ownership, generation: generation + 1, state: 'released' as const, changed: now };
      writes.push(records.putOwnership(released));
    }
    if (device) {
      const archived = { ...device, ...archivedDeviceKey(accountId, deviceId), connection: 'offline' };
      writes.push({ remove: key }, { put: { ...archived, updated: now } });
    }
    await store.write(writes);
  }

  async #sayGoodbye(deviceId: string): Promise<void> {
    const { endpoint, clock } = this.#options;
    if (!endpoint.isConnected(deviceId)) return;
    const payload = String(clock.now());
    await endpoint.deliver(deviceId, deviceTopic.release(deviceId), payload, { timeout: GOODBYE });
  }

  async #clearUp({ deviceId, accountId, generation }: Intent): Promise<void> {
    const { store, records, endpoint, clock, dropPending, leaving } = this.#options;
    const now = isoTime(clock);
    const current = await records.certificates(deviceId);
    const revoked = current
      .filter((record) => !record.revoked && record.generation <= generation)
      .map((record) => records.putCertificate({ ...record, revoked: now, reason: 'released' }));
    await dropPending(accountId, deviceId);
    await leaving(accountId, deviceId);
    // Before the intent ends: a session that outlives the release would hand its messages to the next owner.
    endpoint.endSession(deviceId);
    await store.write([...revoked, records.endIntent(deviceId)]);
  }
}
