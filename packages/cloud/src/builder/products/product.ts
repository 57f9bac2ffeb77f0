import { CodedError } from '@ioto/runtime';

/** One of the tokens that devices of a product register with. The product's ID is the first of them. */
export interface ProductToken {
  token: string;
  name?: string;
  enabled: boolean;
  /** ISO times. */
  created: string;
  expires?: string;
}

/** A product definition of the builder. */
export interface Product {
  /** ULID, and the first registration token (Ioto contract §1). */
  id: string;
  name: string;
  description?: string;
  created: string;
  tokens: ProductToken[];
  /** Refuses devices that register without a key of their own, as agents in the field do. */
  requireKey: boolean;
}

/**
 * Lets a registration token pass.
 *
 * @throws PRODUCT_UNKNOWN, PRODUCT_DISABLED or PRODUCT_EXPIRED, each 401 (Ioto contract §4).
 */
export function admitToken(product: Product | undefined, token: string, now: number): Product {
  const found = product?.tokens.find((candidate) => candidate.token === token);
  if (!product || !found) {
    throw refuse('PRODUCT_UNKNOWN', 'no product has this token: check "product" in device.json5');
  }
  if (!found.enabled) throw refuse('PRODUCT_DISABLED', 'this token of the product is disabled');
  if (found.expires !== undefined && Date.parse(found.expires) <= now) {
    throw refuse('PRODUCT_EXPIRED', 'this token of the product has expired');
  }
  return product;
}

function refuse(code: string, message: string): CodedError {
  return new CodedError(code, message, { status: 401 });
}
