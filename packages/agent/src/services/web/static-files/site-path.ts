/** Most paths: nothing to decode, and nothing that hides. */
const PLAIN = /^(?:\/|(?:\/[\w~-][\w.~-]*)+\/?)$/;

/**
 * The decoded path of a request target, which names a file below the documents; undefined for one that means nothing or
 * hides: encoded slashes, two of them in a row, zero bytes, dot files, `..`, and what decodes to none of UTF-8.
 *
 * @param path as in the request line, without its query
 */
export function decodeSitePath(path: string): string | undefined {
  if (PLAIN.test(path)) return path;
  // A redirect to a path with two slashes at its front would lead to another host; within, they are one to the disk and two to
  // the routes, which would be gone round.
  if (!path.startsWith('/') || path.includes('//') || /%2f|%5c/i.test(path)) return undefined;
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (name.includes('\0') || name.includes('\\')) return undefined;
  return name.split('/').some((part) => part.startsWith('.')) ? undefined : name;
}
