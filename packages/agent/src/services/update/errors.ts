import { type CodedError, errorCatalogue, messageOf } from '@ioto/runtime';

/** Why an update was not applied. The cloud shows code and message to the owner. */
export const updateError = errorCatalogue({
  /** The answer of the cloud is none. */
  UPDATE_OFFER: {},
  /** No newer than what the device runs. */
  UPDATE_DOWNGRADE: {},
  UPDATE_UNSIGNED: {},
  /** Signed by nobody that the device trusts, or for another version, product or image. */
  UPDATE_SIGNATURE: {},
  /** The URL is none that may be used, or holds no longer. */
  UPDATE_URL: { retryable: true },
  UPDATE_TOO_LARGE: {},
  UPDATE_NO_ROOM: { retryable: true },
  /** Another version is being applied. */
  UPDATE_BUSY: { retryable: true },
  /** The download broke off; what came is kept. */
  UPDATE_TRUNCATED: { retryable: true },
  /** The image is not what was offered. */
  UPDATE_CHECKSUM: { retryable: true },
  /** Nothing here knows how to apply it. */
  UPDATE_NO_SCRIPT: { retryable: true },
  /** scripts.update failed. */
  UPDATE_SCRIPT: { retryable: true },
  /** It was applied, and after the restart the device runs the old version. */
  UPDATE_NOT_TAKEN: {},
});

/** What the owner hears of an error. */
export type Failed = Pick<CodedError, 'code' | 'message'>;

export function failureOf(error: unknown): Failed {
  const { code } = error as { code?: unknown };
  return { code: typeof code === 'string' ? code : 'UNEXPECTED', message: messageOf(error).slice(0, 512) };
}
