/**
 * An item as callers get it: frozen through and through, its model's name under the schema's `typeField`, dates as ISO
 * 8601 text (milliseconds where the schema's `isoDates` is off), without hidden fields and without its key.
 */
export type Item = Readonly<Record<string, unknown>>;

/**
 * The result of `find`: the items, where the next page begins when there is one, and where the page before ends when this
 * is not the first.
 */
export type Page<T = Item> = readonly T[] & { readonly next?: string; readonly prev?: string };
