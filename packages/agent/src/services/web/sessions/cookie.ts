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
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    if (found !== undefined) return undefined;
    found = pair.slice(equals + 1).trim();
  }
  return found;
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
