import { canonicalPublicKey, isClaimId, type RegisterRequest } from '@ioto/protocol';
import { type CodedError, errorCatalogue } from '@ioto/runtime';
import type { Product } from '../products/product.ts';
import type { RegistrationItem } from './registration.ts';

export const registerError = errorCatalogue({
  CLAIM_ID_MALFORMED: { status: 400 },
  PRODUCT_CONFLICT: { status: 409 },
  KEY_REQUIRED: { status: 401 },
  REGISTRATION_TOO_LARGE: { status: 413 },
});

/** Milliseconds between two notes of when a device was last seen: a waiting device must not cost a write per call. */
const SEEN_INTERVAL = 60_000;

/** Milliseconds between two times that a device's wish to be claimed is passed on. */
const SELF_CLAIM_INTERVAL = 60_000;

/** Bytes of JSON that a device's further properties may have. */
const MOST_PROPERTIES = 8192;

/** Fields of the body that are not properties of the device, or that the builder knows better. */
const RESERVED = new Set([
  ...['id', 'product', 'name', 'description', 'model', 'test', 'created', 'account', 'cloud', 'wait'],
  ...['publicKey', 'generation', 'claimed', 'registered', 'lastSeen', 'claim', 'token'],
]);

export interface RegisterSituation {
  stored: RegistrationItem | undefined;
  request: RegisterRequest;
  product: Product;
  /** Milliseconds; the device's own clock is not believed (Ioto contract §10). */
  now: number;
}

export interface RegisterPlan {
  item: RegistrationItem;
  /** False when nothing worth a write has changed. */
  changed: boolean;
  /** The cloud to tell that a device it claimed in advance is here. */
  completes?: string;
  /** The wish of the device to be claimed, when it is to be passed on now. */
  selfClaim?: { cloudId: string; accountId: string };
}

/**
 * What a register call makes of a device's registration (Ioto contract §4). The caller has checked the token and
 * the signature.
 *
 * @throws CLAIM_ID_MALFORMED, PUBLIC_KEY_MALFORMED, PRODUCT_CONFLICT, KEY_REQUIRED, REGISTRATION_TOO_LARGE
 */
export function planRegister({ stored, request, product, now }: RegisterSituation): RegisterPlan {
  if (!isClaimId(request.id)) throw malformedId();
  refuseOtherProduct(stored, request, product);
  const publicKey = pinnedKey(stored, request);
  if (product.requireKey && !publicKey) {
    throw registerError('KEY_REQUIRED', 'devices of this product must register with a key of their own');
  }
  const time = new Date(now).toISOString();
  const facts = { ...factsOf(request), product: product.id, publicKey };
  const first = stored?.registered === undefined;
  const selfClaim = selfClaimOf(stored, request, now);
  const before: RegistrationItem = stored ?? { id: request.id, generation: 0, version: 0 };
  const { keyOpen: _keyOpen, ...kept } = before;
  const item: RegistrationItem = {
    ...kept,
    ...facts,
    // Dropped only by the first key that comes after it.
    ...(before.keyOpen && !publicKey ? { keyOpen: true } : {}),
    registered: before.registered ?? time,
    lastSeen: time,
    ...(selfClaim ? { selfClaimQueued: time } : {}),
  };
  const seenLately = now - Date.parse(before.lastSeen ?? '') < SEEN_INTERVAL;
  const same = sameFacts(before, item);
  return {
    item: seenLately && same ? { ...item, lastSeen: before.lastSeen } : item,
    changed: first || !seenLately || !same || selfClaim !== undefined,
    completes: first ? before.binding?.cloudId : undefined,
    selfClaim,
  };
}

function refuseOtherProduct(
  stored: RegistrationItem | undefined,
  request: RegisterRequest,
  product: Product,
): void {
  const expected = stored?.product ?? stored?.binding?.expectedProduct;
  const named = request.product;
  const namesAnother = named !== undefined && !product.tokens.some(({ token }) => token === named);
  if ((expected !== undefined && expected !== product.id) || namesAnother) {
    throw registerError('PRODUCT_CONFLICT', 'this device is registered for another product');
  }
}

/** The key that stays or becomes pinned: the first register brings it, and the one after a release that dropped it. */
function pinnedKey(stored: RegistrationItem | undefined, request: RegisterRequest): string | undefined {
  if (stored?.publicKey) return stored.publicKey;
  const open = stored?.registered === undefined || stored.keyOpen === true;
  return open && request.publicKey ? canonicalPublicKey(request.publicKey) : undefined;
}

function factsOf(request: RegisterRequest) {
  const { name, description, model, test } = request;
  const others = Object.entries(request).filter(([field]) => !RESERVED.has(field));
  const properties = others.length > 0 ? Object.fromEntries(others) : undefined;
  if (properties && JSON.stringify(properties).length > MOST_PROPERTIES) {
    throw registerError(
      'REGISTRATION_TOO_LARGE',
      `further properties may have ${MOST_PROPERTIES} bytes together`,
    );
  }
  return { name, description, model, test: test === undefined ? undefined : Boolean(test), properties };
}

function selfClaimOf(stored: RegistrationItem | undefined, { account, cloud }: RegisterRequest, now: number) {
  if (!account || !cloud || stored?.binding) return undefined;
  if (now - Date.parse(stored?.selfClaimQueued ?? '') < SELF_CLAIM_INTERVAL) return undefined;
  return { cloudId: cloud, accountId: account };
}

function sameFacts(a: RegistrationItem, b: RegistrationItem): boolean {
  const facts = ({
    product,
    name,
    description,
    model,
    test,
    properties,
    publicKey,
    keyOpen,
  }: RegistrationItem) =>
    JSON.stringify([product, name, description, model, test, properties, publicKey, keyOpen]);
  return facts(a) === facts(b);
}

function malformedId(): CodedError {
  return registerError(
    'CLAIM_ID_MALFORMED',
    '"id" must be a claim ID: 10 to 20 capitals and digits without I, L, O and U',
  );
}
