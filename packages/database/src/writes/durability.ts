import type { Durability } from '../schema/definition.ts';

const STRENGTH: readonly Durability[] = ['mem', 'lazy', 'each'];

/** The one of the two that asks for more. */
export function strongest(one: Durability, other: Durability): Durability {
  return STRENGTH.indexOf(one) < STRENGTH.indexOf(other) ? other : one;
}
