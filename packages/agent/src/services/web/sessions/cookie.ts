/** What names a session cookie. */
export interface CookieOptions {
  name: string;
  secure: boolean;
  sameSite: 'Lax' | 'Strict' | 'None';
}

/**
 * The value of one cookie of a request; undefined when it is not there, and when it is there more than once: a page of a
 * neighbour may have set one of the two, and nobody can tell which.
 *
 * @param header the header Cookie as it came
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  let found: string | undefined;
  // Looked for rather than taken apart: this is on the way of every request of who has signed in.
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + name.length)) {
    if (header[at + name.length] !== '=' || !beginsPair(header, at)) continue;
    if (found !== undefined) return undefined;
    const end = header.indexOf(';', at);
    found = header.slice(at + name.length + 1, end < 0 ? undefined : end).trim();
  }
  return found;
}

function beginsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (header[before] === ' ' || header[before] === '\t') before -= 1;
  return before < 0 || header[before] === ';';
}

/** The header Set-Cookie that hands out a session, or with an empty value takes it back. */
export function writeCookie(value: string, { name, secure, sameSite }: CookieOptions): string {
  const attributes = [`${name}=${value}`, 'Path=/', 'HttpOnly', `SameSite=${sameSite}`];
  if (secure) attributes.push('Secure');
  if (value === '') attributes.push('Max-Age=0');
  return attributes.join('; ');
}

/** Over TLS the name says that nobody but this very host can have set it (RFC 6265bis §4.1.3). */
export function cookieName(name: string, secure: boolean): string {
  return secure && !/^__(?:Host|Secure)-/.test(name) ? `__Host-${name}` : name;
}
