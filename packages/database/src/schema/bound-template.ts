import { coerce } from './coerce.ts';
import type { Context, Properties } from './definition.ts';
import type { Field } from './field.ts';
import type { KeyTemplate, ResolvedKey, Variable } from './key-template.ts';
import { own, readPath } from './path.ts';

/** One variable that is left, with the text that follows it up to the next one. */
interface Slot {
  readonly variable: Variable;
  /** Text that ends the value, which it may therefore not hold. */
  readonly separator: string;
  /** Value when the properties have none: what the context says, even if that is nothing. */
  readonly fallback: string | undefined;
  /** Set where the text of a value depends on its type. */
  readonly field: Field | undefined;
  readonly isPath: boolean;
  readonly after: string;
}

/**
 * A template under one context: what the context says is filled in already, so that the key of an item costs no more
 * than its own variables.
 */
export class BoundTemplate {
  readonly #template: KeyTemplate;
  readonly #head: string;
  readonly #slots: readonly Slot[];
  /** The key itself, when no variable is left. */
  readonly #whole: ResolvedKey | undefined;

  /** @throws KEY_INVALID when a value of the context cannot stand in a key. */
  constructor(template: KeyTemplate, context: Context, typed: ReadonlyMap<string, Field>) {
    const { head, slots } = foldContext(template, context, typed);
    this.#template = template;
    this.#head = head;
    this.#slots = slots;
    this.#whole = slots.length === 0 ? Object.freeze({ text: head }) : undefined;
  }

  /**
   * Fills the template in up to the first variable without a value.
   *
   * @throws KEY_INVALID when a value cannot stand in a key.
   */
  fill(properties: Properties): ResolvedKey {
    if (this.#whole) return this.#whole;
    let text = this.#head;
    for (const slot of this.#slots) {
      const value = slotValue(slot, properties);
      if (value === undefined || value === null) return { text, missing: slot.variable.name };
      text += this.#template.valueText(slot.variable, value, slot.separator) + slot.after;
    }
    return { text };
  }
}

function foldContext(template: KeyTemplate, context: Context, typed: ReadonlyMap<string, Field>) {
  let head = '';
  const slots: (Slot & { after: string })[] = [];
  const append = (text: string) => {
    const last = slots.at(-1);
    if (last) last.after += text;
    else head += text;
  };
  for (const [at, part] of template.parts.entries()) {
    if (typeof part === 'string') {
      append(part);
      continue;
    }
    const next = template.parts[at + 1];
    const separator = typeof next === 'string' ? next : '';
    const known = Object.hasOwn(context, part.name) ? context[part.name] : undefined;
    if (known) {
      append(template.valueText(part, known, separator));
      continue;
    }
    const field = typed.get(part.name);
    const isPath = part.name.includes('.');
    slots.push({ variable: part, separator, fallback: known, field, isPath, after: '' });
  }
  return { head, slots };
}

function slotValue({ variable, field, fallback, isPath }: Slot, properties: Properties): unknown {
  const value = isPath ? readPath(properties, variable.name) : own(properties, variable.name);
  if (value === undefined) return fallback;
  return field && value !== null ? coerce(field, value, field.path) : value;
}
