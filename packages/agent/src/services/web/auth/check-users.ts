import { listenAddresses } from '../../../config-loading/listen-address.ts';
import { isPasswordHash } from '../passwords/password.ts';
import type { WebContext } from '../web-context.ts';
import { faultOfModel, keepsUsers, USER_MODEL } from './database-users.ts';
import { roleOf } from './user-store.ts';

const SHORTEST_SECRET = 16;

/**
 * Looks at start through what the settings say of users.
 *
 * @throws what `complain` makes of what cannot be meant: a password that is no hash, a role that there is not, …
 */
export function checkUsers({ web, roles, complain, database, logger }: WebContext): void {
  const { auth, sessions } = web;
  const { realm, secret } = auth;
  if (realm !== undefined && !/^[\x20-\x7e]+$/.test(realm.replace(/[":\\]/g, '\n'))) {
    throw complain(
      ['auth', 'realm'],
      'must be of letters, digits and blanks, without quotation marks, colons and backslashes',
    );
  }
  if (secret !== undefined && secret.length < SHORTEST_SECRET) {
    throw complain(['auth', 'secret'], `must have ${SHORTEST_SECRET} characters or more`);
  }
  for (const path of ['login', 'logout'] as const) {
    if (!auth[path].startsWith('/'))
      throw complain(['auth', path], 'must be a path that begins with a slash');
  }
  if (auth.login === auth.logout) throw complain(['auth', 'logout'], 'must be another path than auth.login');
  for (const [username, user] of Object.entries(auth.users)) {
    const bad = (property: string, problem: string) =>
      complain(['auth', 'users', username, property], problem);
    if (!isPasswordHash(user.password)) {
      throw bad('password', "is no hash of a password: 'ioto web password' makes one");
    }
    const role = roleOf(user, roles);
    if (role === undefined) throw bad('role', `must be one of ${[...roles.keys()].join(', ')}`);
    if (!roles.has(role)) throw bad(user.role === undefined ? 'roles' : 'role', `there is no role ${role}`);
  }
  const old = Object.keys(auth.users).filter((each) => !auth.users[each]?.password.startsWith('$'));
  if (old.length > 0 && realm === undefined) {
    logger.warn(
      { users: old },
      "web.auth.realm is not set, and is part of these users' passwords: they are right only if they were made for 'ioto'",
    );
  }
  if (sessions.sameSite.toLowerCase() === 'none' && !listenAddresses(web).some(({ secure }) => secure)) {
    throw complain(
      ['sessions', 'sameSite'],
      "is 'None', which browsers take over HTTPS only: listen on an https address",
    );
  }
  if (!sessions.httpOnly) {
    logger.warn({}, 'web.sessions.httpOnly stays true: scripts of a page need no session of their own');
  }
  if (!auth.track)
    logger.warn({}, 'web.auth.track is false: what a client signed in with by digest can be sent again');
  if (keepsUsers(auth.store, database(), complain) || auth.store === 'file') return;
  const fault = database()?.schema.models.has(USER_MODEL) && faultOfModel(database());
  if (fault) logger.warn({ fault }, `users of the web server are kept apart from the model ${USER_MODEL}`);
}
