import type { UpdateAnswer, UpdateCheck, UpdateReport } from '@ioto/protocol';
import { type Clock, isoTime } from '@ioto/runtime';
import type { AuditLog } from '../audit/audit-log.ts';
import type { CloudPlace } from '../devices/cloud-place.ts';
import type { Ownership } from '../devices/device-records.ts';
import {
  type DeviceSoftware,
  type SoftwareResult,
  softwareKey,
  softwareOf,
} from '../devices/device-software.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { chooseUpdate } from './choose.ts';
import { imageUrl } from './image-url.ts';
import type { UpdateDesk } from './update-desk.ts';
import { updateError } from './update-record.ts';

/** Check-ins of one device: agents ask once a day and 15 s after each start. */
const PER_DEVICE = { burst: 60, period: 3_600_000 };

export interface CheckInsOptions {
  desk: Pick<UpdateDesk, 'ofProduct'>;
  store: ItemStore;
  audit: AuditLog;
  secret: () => Promise<Buffer>;
  place: () => Pick<CloudPlace, 'api'>;
  clock: Clock;
}

/** Devices that ask whether there is an update for them (Ioto contract §9). */
export class CheckIns {
  readonly #options: CheckInsOptions;
  readonly #perDevice: TokenBuckets;

  constructor(options: CheckInsOptions) {
    this.#options = options;
    this.#perDevice = new TokenBuckets({ clock: options.clock, rule: PER_DEVICE });
  }

  /**
   * The update for a device that has proved who it is; undefined for none. What it says of its software is kept.
   *
   * @throws UPDATE_TOO_OFTEN (429)
   */
  async answer(ownership: Ownership, check: UpdateCheck): Promise<UpdateAnswer | undefined> {
    const { desk, place, secret, clock } = this.#options;
    const { deviceId, accountId } = ownership;
    const wait = this.#perDevice.take(deviceId);
    if (wait > 0) {
      throw updateError('UPDATE_TOO_OFTEN', 'this device asks for updates too often', { retryAfter: wait });
    }
    // What the builder knows counts. By its word alone a device could ask for the software of any product.
    const { product } = ownership;
    const { version = '' } = check;
    const device = { ...check, id: deviceId, accountId, product, version };
    const updates = product === undefined ? [] : await desk.ofProduct(product);
    const chosen = chooseUpdate(updates, device);
    await this.#note(ownership, check, chosen?.version);
    if (!chosen) return undefined;
    return {
      url: imageUrl(place().api, chosen, await secret(), clock.now()),
      version: chosen.version,
      checksum: chosen.sha256,
      ...(chosen.signature === undefined ? {} : { signature: chosen.signature }),
      size: chosen.size,
    };
  }

  /** Most check-ins say what the last one said, and cost no write. */
  async #note(ownership: Ownership, check: UpdateCheck, offered: string | undefined): Promise<void> {
    const { store, audit, clock } = this.#options;
    const { deviceId, accountId } = ownership;
    const key = softwareKey(deviceId);
    await store.update([key], ([item]) => {
      const before = softwareOf(item, accountId);
      const result = resultOf(before, check, isoTime(clock));
      const after: DeviceSoftware = JSON.parse(
        JSON.stringify({
          accountId,
          ...{ version: check.version, iotoVersion: check.iotoVersion, offered },
          result: result ?? before?.result,
        }),
      );
      if (before && JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))) return [];
      const actor = `device:${deviceId}`;
      const { time: _time, ...details } = result ?? { time: '' };
      const entry = audit.entry(
        { accountId },
        { action: 'update.reported', actor, accountId, deviceId, details },
      );
      return [{ put: { ...key, ...after } }, ...(result ? [entry] : [])];
    });
  }
}

/**
 * What is new about the last update: the word of the device, or, of an agent that gives none, that it runs what it was
 * told of.
 */
function resultOf(
  before: DeviceSoftware | undefined,
  check: UpdateCheck,
  time: string,
): SoftwareResult | undefined {
  const arrived = before?.offered !== undefined && before.offered === check.version;
  const told: UpdateReport | undefined =
    check.update ?? (arrived ? { version: String(check.version), outcome: 'applied' } : undefined);
  if (!told) return undefined;
  const { version, outcome, code, message } = told;
  const known = before?.result;
  if (known && known.version === version && known.outcome === outcome && known.code === code) {
    // An answer that was lost makes a device say it again.
    return undefined;
  }
  return { version, outcome, ...(code && { code }), ...(message && { message }), time };
}

function sorted(fields: object): [string, unknown][] {
  return Object.entries(fields).sort(([left], [right]) => (left < right ? -1 : 1));
}
