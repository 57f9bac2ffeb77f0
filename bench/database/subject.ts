/** What every database of the bench keeps. */
export interface Reading {
  id: string;
  group: string;
  value: number;
  text: string;
}

/** One database under the bench, as a program would use it that wants the fastest of its ordinary ways. */
export interface Subject {
  readonly name: string;
  /** False where nothing is on disk when a write resolves. */
  readonly durable: boolean;
  open(directory: string): Promise<Store>;
}

export interface Store {
  create(reading: Reading): Promise<unknown> | unknown;
  /** Many at once, where the database has a way of its own for that; else `create` is called side by side. */
  createMany?(readings: readonly Reading[]): Promise<unknown> | unknown;
  get(id: string): Promise<unknown> | unknown;
  /** By a key that is ready, where that differs. */
  key?(id: string): unknown;
  getByKey?(key: unknown): unknown;
  /** Ten readings of a group, in order of their IDs. */
  page(group: string): Promise<ArrayLike<unknown>> | ArrayLike<unknown>;
  /** By a field that no index knows. */
  find(value: number): Promise<ArrayLike<unknown>> | ArrayLike<unknown>;
  close(): Promise<unknown> | unknown;
}

export function reading(at: number): Reading {
  const id = String(at).padStart(8, '0');
  return { id, group: `g${String(at % 1000).padStart(4, '0')}`, value: at, text: 'a reading of some sensor' };
}
