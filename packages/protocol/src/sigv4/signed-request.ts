/** An HTTP request as far as a signature covers it, exactly as it came: nothing decoded, nothing normalised. */
export interface SignedRequest {
  method: string;
  /** The request target, such as `/mqtt?X-Amz-Algorithm=…`. */
  target: string;
  /** Names and values by turns, as Node's `rawHeaders`. */
  rawHeaders: readonly string[];
  body: Uint8Array;
}

export interface QueryParameter {
  name: string;
  value: string;
}

/** Path and query of a request target, both still encoded. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/**
 * The parameters of a query in their order, decoded; `+` is no blank here. Undefined when one of them is not UTF-8 in
 * percent encoding.
 */
export function queryParameters(query: string): QueryParameter[] | undefined {
  try {
    return query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const mark = part.indexOf('=');
        const [name, value] = mark < 0 ? [part, ''] : [part.slice(0, mark), part.slice(mark + 1)];
        return { name: decodeURIComponent(name), value: decodeURIComponent(value) };
      });
  } catch {
    return undefined;
  }
}

/** The values of a header, in the order in which they came; `name` in lower case. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
