import type { Database } from '@ioto/database';
import type { Complain } from '../complain.ts';
import type { User } from './user-store.ts';

export const USER_MODEL = 'User';
const FIELDS = ['username', 'password', 'role'];

/**
 * Whether users are kept in the database.
 *
 * @throws what `complain` makes of a database that is to keep them, and cannot.
 */
export function keepsUsers(
  store: 'auto' | 'database' | 'file',
  database: Database | undefined,
  complain: Complain,
): boolean {
  if (store === 'file') return false;
  const fault = faultOfModel(database);
  if (fault !== undefined && store === 'database') {
    throw complain(['auth', 'store'], `is 'database', and ${fault}`);
  }
  return fault === undefined;
}

/** Why users cannot be kept in the database; undefined when they can. */
export function faultOfModel(database: Database | undefined): string | undefined {
  if (!database) return 'the service database is off';
  const model = database.schema.models.get(USER_MODEL);
  if (!model) return `its schema has no model ${USER_MODEL}`;
  const missing = FIELDS.find((field) => !model.fields.has(field));
  if (missing !== undefined) return `the model ${USER_MODEL} has no field ${missing}`;
  if (model.sync !== 'none') {
    return `the model ${USER_MODEL} is synced, so that hashes of passwords would leave the device: set process.${USER_MODEL}.sync to 'none'`;
  }
  if (database.durabilityOf(USER_MODEL) === 'mem') {
    return `the model ${USER_MODEL} is kept in memory, so that each restart would ask for a first password: set process.${USER_MODEL}.durability to 'each'`;
  }
  return undefined;
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
