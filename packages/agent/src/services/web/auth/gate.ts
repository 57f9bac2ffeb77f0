import type { ServerResponse } from 'node:http';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Session } from '../sessions/session-table.ts';

/** Who asks. */
export interface Identity {
  readonly username: string;
  readonly role: string;
}

/** How a request was let in. */
export interface Admission {
  /** Undefined for who did not say it, where nobody has to. */
  readonly identity?: Identity | undefined;
  /** The session that the request belongs to, if any. */
  readonly session?: Session | undefined;
}

/** What a request needs to be let in: the words of its route, with those of its action. */
export interface Needs {
  /** Each a role or an ability; all are needed. */
  readonly roles: readonly string[];
  /** What changes something needs the token of the session. */
  readonly xsrf: boolean;
}

/**
 * Lets requests in by what their route asks for, and answers those itself that it does not let in.
 *
 * @throws errors of `webError`, which the site answers with.
 */
export interface Gate {
  /** Undefined: it has been answered. A promise only where something has to be waited for. */
  admit(
    request: WebRequest,
    response: ServerResponse,
    needs: Needs,
  ): Admission | undefined | Promise<Admission | undefined>;
  /** Answers a request to the paths of login and logout. False: it is to none of them. */
  door(request: WebRequest, response: ServerResponse): Promise<boolean>;
}
