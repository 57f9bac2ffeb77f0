import type { Database } from '@ioto/database';
import type { Complain } from '../complain.ts';
import type { User } from './user-store.ts';

export const USER_MODEL = 'User';
const FIELDS = ['username', 'password', 'role'];

/**
 * Whether users are kept in the database.
 *
 * @throws what `complain` makes of a store or a model that cannot hold them.
 */
export function keepsUsers(
  store: 'auto' | 'database' | 'file',
  database: Database | undefined,
  complain: Complain,
): boolean {
  if (store === 'file') return false;
  const bad = (problem: string) => complain(['auth', 'store'], problem);
  const model = database?.schema.models.get(USER_MODEL);
  if (!database || !model) {
    if (store === 'auto') return false;
    throw bad(
      database
        ? `is 'database', and the schema has no model ${USER_MODEL}`
        : "is 'database', and the service database is off",
    );
  }
  const missing = FIELDS.find((field) => !model.fields.has(field));
  if (missing !== undefined) {
    if (store === 'auto') return false;
    throw bad(`the model ${USER_MODEL} has no field ${missing}`);
  }
  const otherwise = `or say auth.store: 'file' to keep users apart from it`;
  if (model.sync !== 'none') {
    throw bad(
      `the model ${USER_MODEL} is synced, and hashes of passwords would leave the device: set process.${USER_MODEL}.sync to 'none', ${otherwise}`,
    );
  }
  if (database.durabilityOf(USER_MODEL) === 'mem') {
    throw bad(
      `the model ${USER_MODEL} is kept in memory, and each restart would ask for a first password anew: set process.${USER_MODEL}.durability to 'each', ${otherwise}`,
    );
  }
  return true;
}

type Row = Readonly<Record<string, unknown>>;

/** Users as items of the model `User` of a product's schema. */
export class DatabaseUsers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get all(): User[] {
    return this.#rows({}).map(userOf);
  }

  find(username: string): User | undefined {
    const [row] = this.#rows({ username });
    return row && userOf(row);
  }

  /** Creates the user, or changes the one that is there. */
  async put({ username, password, role }: User): Promise<void> {
    const key = this.#keyOf(username);
    if (key) await this.#database.update(USER_MODEL, { ...key, password, role });
    else await this.#database.create(USER_MODEL, { username, password, role });
  }

  async remove(username: string): Promise<void> {
    const key = this.#keyOf(username);
    if (key) await this.#database.remove(USER_MODEL, key);
  }

  onChange(listener: (username: string) => void): void {
    this.#database.afterChange(USER_MODEL, ({ item }) => listener(String(item.username)));
  }

  #rows(properties: Record<string, unknown>): readonly Row[] {
    return [...this.#database.find<Row>(USER_MODEL, properties, { hidden: true })].filter(
      ({ username }) => typeof username === 'string',
    );
  }

  /** Whatever the product makes its keys of. */
  #keyOf(username: string): Record<string, unknown> | undefined {
    const [row] = this.#rows({ username });
    const { keyVariables } = this.#database.schema.model(USER_MODEL);
    return row && Object.fromEntries(keyVariables.map((name) => [name, row[name]]));
  }
}

function userOf({ username, password, role }: Row): User {
  return { username: String(username), password: String(password ?? ''), role: String(role ?? '') };
}
