import { webError } from '../errors.ts';
import type { WebContext } from '../web-context.ts';
import { highestRole } from './roles.ts';
import type { Claimed, SignIn } from './sign-in.ts';
import type { User } from './user-store.ts';
import { requireSuitable, requireUsername } from './users.ts';

/**
 * Makes whoever comes first the user who may everything, with a password of his own: a device is sold without any.
 *
 * @throws WEB_USER for a name or password that is none; WEB_CONFLICT when somebody else was faster; WEB_ATTEMPTS, WEB_BUSY
 */
export async function setFirstPassword(
  context: WebContext,
  { users, passwords }: SignIn,
  { username, password }: Claimed,
): Promise<User> {
  requireUsername(username);
  await requireSuitable(password, [username, ...context.known()]);
  const role = highestRole(context.roles);
  if (role === undefined) throw webError('WEB_USER', 'web.auth.roles has no role');
  const user = { username, role, password: await passwords.hash(password) };
  await users.addFirst(user);
  context.logger.info({ username, role }, 'the first user of the web server has set a password');
  return user;
}
