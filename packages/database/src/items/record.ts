import type { ItemKey, Properties } from '../schema/definition.ts';

/** An item as it is stored: its key beside its attributes, which are frozen and include type and hidden fields. */
export interface ItemRecord extends ItemKey {
  readonly model: string;
  readonly attributes: Properties;
  /** The cloud is known to have this very version: false where nobody knows, as after a restart. Not on disk. */
  isKnown: boolean;
}

/** All records are made here and alike, so that reading them is fast: a spread would give each a shape of its own. */
export function recordOf({ pk, sk }: ItemKey, model: string, attributes: Properties): ItemRecord {
  return { pk, sk, model, attributes, isKnown: false };
}

/** One text for both parts of a key; NUL sorts before everything that a key may hold. */
export function keyText({ pk, sk }: ItemKey): string {
  return `${pk}\0${sk}`;
}
