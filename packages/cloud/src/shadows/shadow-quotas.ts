import { ShadowError } from '@ioto/protocol';

/** What one device and one account may have of shadows, and one client of requests. */
export const SHADOW_QUOTAS = {
  /** Named shadows of one device. */
  named: 10_000,
  /** Versions of removed named shadows of one device that are remembered. */
  gone: 10_000,
  /** Seconds for which they are. */
  keptWhenGone: 365 * 86_400,
  /** Bytes of all shadows of an account, each with its metadata and what it takes beside that; and of those put aside in a year. */
  bytes: 256 * 1024 * 1024,
  /** Requests about one thing by one client that are not answered, as AWS IoT has it. */
  inFlight: 10,
};

export function tooManyShadows(thing: string, token: string | undefined): ShadowError {
  const text = `Forbidden: ${thing} has ${SHADOW_QUOTAS.named} named shadows, which is the most; delete one first`;
  return new ShadowError(403, text, token);
}

export function tooManyBytes(token: string | undefined): ShadowError {
  const most = Math.round(SHADOW_QUOTAS.bytes / 1024);
  const text = `Forbidden: the account has ${most} KB of shadows, which is the most; delete some first`;
  return new ShadowError(403, text, token);
}
