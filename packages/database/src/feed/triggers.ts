import type { ChangeListener } from './change.ts';
import type { PlannedChange } from './planned-change.ts';

/** What runs before the changes of one model: it may look at them, and refuse them by throwing. */
export class Triggers {
  readonly #byModel = new Map<string, Set<ChangeListener>>();

  /** Returns the function that ends it. */
  add(model: string, trigger: ChangeListener): () => void {
    const triggers = this.#byModel.get(model) ?? new Set();
    this.#byModel.set(model, triggers);
    triggers.add(trigger);
    return () => triggers.delete(trigger);
  }

  run(changes: readonly PlannedChange[]): void {
    if (this.#byModel.size === 0) return;
    for (const planned of changes) {
      for (const trigger of this.#byModel.get(planned.model) ?? []) trigger(planned.change);
    }
  }
}
