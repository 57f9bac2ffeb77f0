import type { ItemKey, Properties } from '../schema/definition.ts';

/** An item as it is stored: its key beside its attributes, which are frozen and include type and hidden fields. */
export interface ItemRecord extends ItemKey {
  readonly model: string;
  readonly attributes: Properties;
}

/** One text for both parts of a key; NUL sorts before everything that a key may hold. */
export function keyText({ pk, sk }: ItemKey): string {
  return `${pk}\0${sk}`;
}
