import { isObject, type Shape } from './shape.ts';

export interface CheckRules {
  /** Values are texts, as in queries and forms, and become what they say. */
  isText: boolean;
  /** Told of a value that is not as it should be; where it does not throw, the value stays as it is. */
  wrong: (where: string, problem: string) => void;
  /** Told of a field that the shape does not name; where it does not throw, it is left out. */
  unknown: (where: string) => void;
}

/** A value as its shape has it: what is to be discarded and what nobody named left out, what has a default filled in. */
export function checkValue(shape: Shape, value: unknown, where: string, rules: CheckRules): unknown {
  switch (shape.type) {
    case 'any':
      return value;
    case 'none':
      if (!isNothing(value)) rules.wrong(where, 'must be empty');
      return undefined;
    case 'object':
      return checkObject(shape, value, where, rules);
    case 'array':
      return checkArray(shape, value, where, rules);
    default: {
      const result = rules.isText ? ofText(shape.type, value) : ofValue(shape.type, value);
      if (result !== undefined) return result;
      rules.wrong(where, `must be a ${shape.type}`);
      return value;
    }
  }
}

function checkObject({ fields }: Shape, value: unknown, where: string, rules: CheckRules): unknown {
  if (!isObject(value)) {
    rules.wrong(where, 'must be an object');
    return value;
  }
  if (!fields) return value;
  const result: Record<string, unknown> = {};
  for (const [name, shape] of fields) {
    const present = Object.hasOwn(value, name) ? value[name] : undefined;
    if (shape.discard) continue;
    const place = `${where}.${name}`;
    if (present !== undefined) result[name] = checkValue(shape, present, place, rules);
    else if (shape.default !== undefined) result[name] = structuredClone(shape.default);
    else if (shape.required) rules.wrong(place, 'is missing');
  }
  for (const name of Object.keys(value)) {
    if (!fields.has(name)) rules.unknown(`${where}.${name.slice(0, 64)}`);
  }
  return result;
}

function checkArray({ of }: Shape, value: unknown, where: string, rules: CheckRules): unknown {
  const list = rules.isText && typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list)) {
    rules.wrong(where, 'must be an array');
    return value;
  }
  return of ? list.map((each, at) => checkValue(of, each, `${where}[${at}]`, rules)) : list;
}

function ofValue(type: string, value: unknown): unknown {
  if (type !== 'date') return typeof value === type ? value : undefined;
  return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : undefined;
}

function ofText(type: string, value: unknown): unknown {
  if (typeof value !== 'string') return undefined;
  if (type === 'number')
    return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined;
  if (type === 'boolean') return value === 'true' || value === 'false' ? value === 'true' : undefined;
  return ofValue(type, value);
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
