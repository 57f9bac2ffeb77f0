import type { BindRequest, ReleaseRequest } from '@ioto/protocol';
import { errorCatalogue } from '@ioto/runtime';
import type { Binding, RegistrationItem } from './registration.ts';

export const bindError = errorCatalogue({
  DEVICE_NOT_REGISTERED: { status: 404 },
  DEVICE_CLAIMED: { status: 409 },
  PRODUCT_CONFLICT: { status: 409 },
  GENERATION_STALE: { status: 409 },
});

export type BindPlan = { step: 'stands'; item: RegistrationItem } | { step: 'write'; item: RegistrationItem };

/**
 * What a bind makes of a registration (Ioto contract §5).
 *
 * @throws DEVICE_NOT_REGISTERED (404), DEVICE_CLAIMED, PRODUCT_CONFLICT or GENERATION_STALE (409)
 */
export function planBind(
  stored: RegistrationItem | undefined,
  request: BindRequest,
  binding: Binding,
): BindPlan {
  if (stored?.registered === undefined && !stored?.binding && !request.pre) {
    throw bindError(
      'DEVICE_NOT_REGISTERED',
      'this device has never registered: power it on once with a network, or claim it in advance',
    );
  }
  const item = stored ?? { id: request.id, generation: 0, version: 0 };
  if (item.binding) {
    const { cloudId, accountId } = item.binding;
    if (cloudId === binding.cloudId && accountId === binding.accountId) return { step: 'stands', item };
    throw bindError(
      'DEVICE_CLAIMED',
      'this device belongs to another account: its owner must release it first',
    );
  }
  if (request.product !== undefined && item.product !== undefined && request.product !== item.product) {
    throw bindError('PRODUCT_CONFLICT', 'this device is of another product');
  }
  if (request.generation !== item.generation + 1) {
    throw bindError('GENERATION_STALE', 'the ownership of this device has changed meanwhile: ask again', {
      details: { generation: item.generation },
    });
  }
  return { step: 'write', item: { ...item, generation: request.generation, binding } };
}

/** The registration after a release, or undefined when the cloud does not hold that generation (any more). */
export function planRelease(
  stored: RegistrationItem | undefined,
  request: ReleaseRequest,
  cloudId: string,
): RegistrationItem | undefined {
  if (stored?.binding?.cloudId !== cloudId || stored.generation !== request.generation) return undefined;
  const { binding: _binding, selfClaimQueued: _queued, ...rest } = stored;
  const item: RegistrationItem = { ...rest, generation: stored.generation + 1 };
  if (!request.forgetKey) return item;
  const { publicKey: _publicKey, ...keyless } = item;
  return { ...keyless, keyOpen: true };
}
