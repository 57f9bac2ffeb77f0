import type { Complain } from '../complain.ts';

/** What a role may: itself, the roles that it inherits, and their abilities. */
export type Roles = ReadonlyMap<string, ReadonlySet<string>>;

/** Where the settings name none: each may what the one before it may. */
export const USUAL_ROLES = {
  public: [],
  user: ['public'],
  admin: ['user'],
  owner: ['admin'],
  super: ['owner'],
};

/**
 * Reads `auth.roles`: names with what each inherits or may; or a list, each of which may all that those before it may.
 *
 * @throws what `complain` makes of a role that inherits itself, or of a name that is none.
 */
export function compileRoles(
  settings: Readonly<Record<string, readonly string[]>> | readonly string[],
  complain: Complain,
): Roles {
  const named: Readonly<Record<string, readonly string[]>> = isList(settings)
    ? Object.fromEntries(settings.map((name, at) => [name, settings.slice(0, at)]))
    : settings;
  const bad = (name: string, problem: string) => complain(['auth', 'roles', name], problem);
  const roles = new Map<string, ReadonlySet<string>>();
  const closure = (name: string, above: readonly string[]): ReadonlySet<string> => {
    if (above.includes(name)) throw bad(name, `inherits itself, by ${[...above, name].join(' > ')}`);
    const known = roles.get(name);
    if (known) return known;
    const all = new Set([name]);
    for (const each of named[name] ?? []) {
      const inherited = Object.hasOwn(named, each) ? closure(each, [...above, name]) : [each];
      for (const ability of inherited) all.add(ability);
    }
    if (Object.hasOwn(named, name)) roles.set(name, all);
    return all;
  };
  for (const [name, abilities] of Object.entries(named)) {
    const wrong = [name, ...abilities].find((each) => !/^[\w.-]{1,64}$/.test(each));
    if (wrong !== undefined)
      throw bad(name, `${JSON.stringify(wrong)} is no name of letters, digits, _ . and -`);
    closure(name, []);
  }
  return roles;
}

/** Whether who has a role may what a route asks for: a role or an ability. */
export function may(roles: Roles, role: string, asked: string): boolean {
  return roles.get(role)?.has(asked) ?? false;
}

/** The role that may most, the last of them where several do; undefined when there is none. */
export function highestRole(roles: Roles): string | undefined {
  let highest: string | undefined;
  for (const [role, all] of roles) {
    if (highest === undefined || all.size >= (roles.get(highest)?.size ?? 0)) highest = role;
  }
  return highest;
}

/** Whether there is a role that may it at all. */
export function mayAnybody(roles: Roles, asked: string): boolean {
  return [...roles.values()].some((all) => all.has(asked));
}

function isList(settings: unknown): settings is readonly string[] {
  return Array.isArray(settings);
}
