import type { Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';

/** Fills in what value templates make of an item's own fields, hidden ones too; one whose fields are missing is taken away. */
export function fillComputed(model: Model, attributes: Record<string, unknown>): void {
  for (const [{ name }, template] of [...model.computed, ...model.derived]) {
    const { text, missing } = template.fill(attributes as Properties);
    if (missing === undefined) attributes[name] = text;
    else delete attributes[name];
  }
}
