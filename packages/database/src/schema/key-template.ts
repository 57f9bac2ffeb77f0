import { fail } from '../errors.ts';

export interface Variable {
  /** Path of the property, dots between its parts. */
  name: string;
  /** `${name:6:0}`: padded at its start to this many characters. */
  size: number;
  pad: string;
}

export type Part = string | Variable;

/** Reads a property by its path, undefined when there is none. */
export type Lookup = (name: string) => unknown;

export interface ResolvedKey {
  /** The whole text, or what comes before the first variable without a value. */
  text: string;
  /** The variable without a value. */
  missing?: string;
}

const VARIABLE = /\$\{([A-Za-z_][\w.]*)(?::(\d+)(?::(.))?)?\}/g;

/**
 * A value template such as `s#${accountId}#${key}`: builds the text of a key and takes it apart again. A variable that
 * others follow may not hold the text that separates it from them, so different values always make different keys.
 */
export class KeyTemplate {
  readonly source: string;
  readonly variables: readonly string[];
  readonly parts: readonly Part[];

  constructor(source: string) {
    this.source = source;
    this.parts = parseParts(source);
    this.variables = this.parts.flatMap((part) => (typeof part === 'string' ? [] : [part.name]));
  }

  /**
   * Fills the template in up to the first variable without a value.
   *
   * @throws KEY_INVALID when a value cannot stand in a key.
   */
  resolve(lookup: Lookup): ResolvedKey {
    const parts = this.parts;
    let text = '';
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at] as Part;
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      const value = lookup(part.name);
      if (value === undefined || value === null) return { text, missing: part.name };
      const next = parts[at + 1];
      text += this.valueText(part, value, typeof next === 'string' ? next : '');
    }
    return { text };
  }

  /** The variables' values in a text that `resolve` made, or undefined when the text is none. */
  match(text: string): Record<string, string> | undefined {
    const values: Record<string, string> = {};
    let position = 0;
    for (let at = 0; at < this.parts.length; at += 1) {
      const part = this.parts[at] as Part;
      if (typeof part === 'string') {
        if (!text.startsWith(part, position)) return undefined;
        position += part.length;
        continue;
      }
      const next = this.parts[at + 1];
      if (typeof next === 'object') return undefined;
      const end = next === undefined ? text.length : text.indexOf(next, position);
      if (end < 0) return undefined;
      const value = unpad(text.slice(position, end), part);
      if (part.name in values && values[part.name] !== value) return undefined;
      values[part.name] = value;
      position = end;
    }
    return position === text.length ? values : undefined;
  }

  /**
   * The text of a value in the key; `separator` is what ends it there, if anything does.
   *
   * @throws KEY_INVALID
   */
  valueText(variable: Variable, value: unknown, separator: string): string {
    const text = keyText(variable.name, value);
    if (separator !== '' && text.includes(separator)) {
      throw fail(
        'KEY_INVALID',
        `${variable.name} may not hold ${JSON.stringify(separator)}: in the key ${this.source} that ends its value`,
      );
    }
    return variable.size > text.length ? text.padStart(variable.size, variable.pad) : text;
  }
}

function parseParts(source: string): Part[] {
  const parts: Part[] = [];
  let position = 0;
  for (const match of source.matchAll(VARIABLE)) {
    if (match.index > position) parts.push(source.slice(position, match.index));
    parts.push({ name: match[1] ?? '', size: Number(match[2] ?? 0), pad: match[3] ?? '0' });
    position = match.index + match[0].length;
  }
  if (position < source.length) parts.push(source.slice(position));
  return parts;
}

/** NUL orders the parts of a key in the index, so it never stands inside of one. */
function keyText(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : plainText(value);
  if (text !== undefined && !text.includes('\0')) return text;
  throw fail(
    'KEY_INVALID',
    `${name} cannot be part of a key: it must be text without NUL, a number or a date`,
  );
}

function plainText(value: unknown): string | undefined {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function unpad(text: string, { size, pad }: Variable): string {
  if (size === 0) return text;
  let start = 0;
  while (start < text.length - 1 && text[start] === pad) start += 1;
  return text.slice(start);
}
