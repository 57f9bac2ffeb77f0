import { createHmac, timingSafeEqual } from 'node:crypto';
import { isClaimId } from '@ioto/protocol';

/** What a device's bearer token says. It is void once the ownership has moved on to another generation. */
export interface DeviceClaims {
  deviceId: string;
  accountId: string;
  generation: number;
}

/** Keeps one use of a signing key from being taken for another. */
const PURPOSE = 'ioto device token 1';
const FORM = /^([0-9A-Z]{10,20})\.([A-Za-z0-9_-]{1,64})\.([1-9]\d{0,14})\.([A-Za-z0-9_-]{43})$/;

/** The token that the builder hands to a claimed device: signed, and stored nowhere (Ioto contract §4). */
export function signDeviceToken(claims: DeviceClaims, secret: Buffer): string {
  const body = `${claims.deviceId}.${claims.accountId}.${claims.generation}`;
  return `${body}.${signature(body, secret).toString('base64url')}`;
}

/** What a token says, or undefined when this secret did not sign it. Whether it is still good is the ownership's matter. */
export function readDeviceToken(token: string, secret: Buffer): DeviceClaims | undefined {
  const [, deviceId, accountId, generation, mac] = FORM.exec(token) ?? [];
  if (!deviceId || !accountId || !generation || !mac || !isClaimId(deviceId)) return undefined;
  const expected = signature(`${deviceId}.${accountId}.${generation}`, secret);
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return { deviceId, accountId, generation: Number(generation) };
}

function signature(body: string, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${PURPOSE}\n${body}`).digest();
}
