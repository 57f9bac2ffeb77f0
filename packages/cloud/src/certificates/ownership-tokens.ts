import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@ioto/runtime';
import { PENDING_LIFE } from '../devices/certificate-plan.ts';

/** Which certificate a token is of. */
export interface OwnedCertificate {
  deviceId: string;
  serial: string;
}

/** Keeps one use of a signing key from being taken for another. */
const PURPOSE = 'ioto certificate ownership 1';
const FORM = /^([0-9A-Z]{10,20})\.([0-9a-f]{1,64})\.(\d{1,15})\.([A-Za-z0-9_-]{43})$/;

/** The tokens by which a device activates a certificate that it asked for over MQTT: signed, and stored nowhere. */
export class OwnershipTokens {
  readonly #secret: () => Promise<Buffer>;
  readonly #clock: Clock;

  constructor(options: { secret: () => Promise<Buffer>; clock: Clock }) {
    this.#secret = options.secret;
    this.#clock = options.clock;
  }

  /** Holds for an hour, as AWS's do. */
  async make({ deviceId, serial }: OwnedCertificate): Promise<string> {
    const body = `${deviceId}.${serial}.${this.#clock.now() + PENDING_LIFE}`;
    return `${body}.${(await this.#sign(body)).toString('base64url')}`;
  }

  /** Undefined for one that is not of this cloud, not of this device, or over. */
  async open(token: string, deviceId: string): Promise<OwnedCertificate | undefined> {
    const [, device, serial, ends, mac] = FORM.exec(token) ?? [];
    if (device !== deviceId || !serial || !ends || !mac) return undefined;
    const expected = await this.#sign(`${device}.${serial}.${ends}`);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return Number(ends) > this.#clock.now() ? { deviceId, serial } : undefined;
  }

  async #sign(body: string): Promise<Buffer> {
    return createHmac('sha256', await this.#secret())
      .update(`${PURPOSE}\n${body}`)
      .digest();
  }
}
