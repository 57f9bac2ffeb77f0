import type { ItemChange, Write } from '../ports/item-store.ts';

/**
 * Remembers what devices themselves have just written, so that the change feed does not send it back to them. Where feed
 * and writer are different processes an echo is harmless: the device holds that very item.
 */
export class Echoes {
  readonly #expected = new Set<string>();

  /** To be called before the write; `cancel` when the write failed. */
  expect(writes: readonly Write[]): { cancel(): void } {
    const marks = writes.map((write) =>
      'put' in write ? mark(write.put, write.put.updated) : mark(write.remove, undefined),
    );
    for (const each of marks) this.#expected.add(each);
    return {
      cancel: () => {
        for (const each of marks) this.#expected.delete(each);
      },
    };
  }

  /** True when the change is one that was expected, and then not again. */
  take(change: ItemChange): boolean {
    return this.#expected.delete(mark(change, change.after?.updated));
  }
}

function mark({ pk, sk }: { pk: string; sk: string }, updated: unknown): string {
  return `${pk}\n${sk}\n${String(updated)}`;
}
