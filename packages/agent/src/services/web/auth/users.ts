import { webError } from '../errors.ts';
import type { WebUsers } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';

const LONGEST_NAME = 64;

/** `agent.web.users` */
export function openUsers(context: WebContext): WebUsers {
  return {
    async list() {
      const users = await context.users();
      return users.all.map(({ username, role }) => ({ username, role }));
    },
    async put({ username, password, role }) {
      const users = await context.users();
      requireUsername(username);
      const known = users.find(username);
      if (role === undefined ? !known : !context.roles.has(role)) {
        throw webError('WEB_USER', `role: must be one of ${[...context.roles.keys()].join(', ')}`);
      }
      if (password === undefined && !known) throw webError('WEB_USER', 'password: a new user needs one');
      const hash = password === undefined ? undefined : await hashed(context, username, password);
      await users.put({ username, password: hash, role });
    },
    async verify(username, password, address) {
      const claimed = { username, password, address };
      return (await (await context.signIn()).check(claimed)) !== undefined;
    },
    async remove(username) {
      await (await context.users()).remove(username);
    },
  };
}

async function hashed(context: WebContext, username: string, password: string): Promise<string> {
  await requireSuitable(password, [username, ...context.known()]);
  return (await context.passwords()).hash(password);
}

/** @throws WEB_USER */
export function requireUsername(username: unknown): asserts username is string {
  const isName =
    typeof username === 'string' &&
    username.length <= LONGEST_NAME &&
    // Basic authentication ends a name with a colon, and digests quote it.
    /^[^\s:"\\](?:[^:"\\\p{Cc}]*[^\s:"\\])?$/u.test(username) &&
    !/\p{Cc}/u.test(username) &&
    username !== '__proto__';
  if (isName) return;
  throw webError(
    'WEB_USER',
    `username: must have 1 to ${LONGEST_NAME} characters, none of them a colon, a quotation mark or a backslash, and no blank at its ends`,
  );
}

/** @throws WEB_USER */
export async function requireSuitable(password: unknown, known: readonly string[]): Promise<void> {
  if (typeof password !== 'string') throw webError('WEB_USER', 'password: must be a text');
  const { faultOfPassword } = await import('../passwords/suitable.ts');
  const fault = faultOfPassword(password, known);
  if (fault !== undefined) throw webError('WEB_USER', `password: ${fault}`);
}
