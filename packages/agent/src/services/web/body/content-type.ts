/** What a Content-Type says. */
export interface ContentType {
  /** Media type without its parameters, in lower case; empty when none is said. */
  type: string;
  /** Parameters by their names in lower case, the first of each name. */
  parameters: ReadonlyMap<string, string>;
}

const PARAMETER = /;[\t ]*([!#$%&'*+.^_`|~\w-]+)=("(?:[^"\\]|\\.)*"|[^;\t ]*)/g;

/** Reads a Content-Type (RFC 9110 §8.3.1). */
export function parseContentType(text = ''): ContentType {
  const type = text.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const parameters = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    if (parameters.has(key)) continue;
    parameters.set(key, value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value);
  }
  return { type, parameters };
}
