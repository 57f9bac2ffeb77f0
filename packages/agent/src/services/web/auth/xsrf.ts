import { webError } from '../errors.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Session } from '../sessions/session-table.ts';

/** Names that pages for Ioto's web server use. */
const HEADER = 'x-xsrf-token';
const FIELD = '-xsrf-';

/** Tells a page the token of its session, which it sends along with what changes something. */
export function tellToken({ response }: WebRequest, { xsrf }: Session): void {
  response.setHeader(HEADER, xsrf);
}

/**
 * Refuses what changes something without the token: another site can have a browser send its cookie, but cannot know the
 * token. A promise only where a form has to be read for it.
 *
 * @throws WEB_XSRF
 */
export function requireToken(request: WebRequest, session: Session): void | Promise<void> {
  const told = request.header(HEADER);
  if (told === undefined && isReadableForm(request)) {
    return request.body.form().then((form) => requireSame(form.get(FIELD) ?? '', session.xsrf));
  }
  requireSame(told ?? '', session.xsrf);
}

function isReadableForm({ route, body }: WebRequest): boolean {
  return !route.stream && body.type === 'application/x-www-form-urlencoded';
}

function requireSame(told: string, token: string): void {
  let difference = told.length ^ token.length;
  for (let at = 0; at < token.length; at += 1) difference |= told.charCodeAt(at) ^ token.charCodeAt(at);
  if (difference === 0) return;
  throw webError(
    'WEB_XSRF',
    'the token of the session is missing or another: read X-XSRF-TOKEN of a page, and send it along',
  );
}
