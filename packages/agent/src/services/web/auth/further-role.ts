import type { ServerResponse } from 'node:http';
import type { Action } from '../actions/action-table.ts';
import { webError } from '../errors.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Admission, Gate } from './gate.ts';
import { may, type Roles } from './roles.ts';

/** A request that its route and action have let in. */
export interface Admitted {
  request: WebRequest;
  response: ServerResponse;
  admission: Admission;
  action?: Action | undefined;
}

/**
 * Lets in by one role more than route and action have asked for, as a signature or a model of the database has it. Undefined: the
 * request has been answered.
 *
 * @throws as `Gate.admit` does
 */
export async function admitByRole(
  role: string,
  { request, response, admission, action }: Admitted,
  { gate, roles }: { gate: () => Promise<Gate>; roles: Roles },
): Promise<Admission | undefined> {
  const asked = [request.route.role, action?.options.role].some((each) => (each ?? 'public') !== 'public');
  const { identity } = admission;
  // Who was asked already is not asked twice: an answer to a digest counts once.
  if (!asked || !identity) {
    const xsrf = action?.options.xsrf ?? true;
    return (await gate()).admit(request, response, { roles: [role], xsrf });
  }
  if (!may(roles, identity.role, role)) throw webError('WEB_ROLE', `this needs the role ${role}`);
  return admission;
}
