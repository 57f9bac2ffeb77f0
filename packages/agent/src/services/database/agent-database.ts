/** An item as the database returns it: frozen, with `_type`, its keys and its times. */
export type Item = Readonly<Record<string, unknown>>;

/** What the agent and its embedder ask of the embedded database. */
export interface AgentDatabase {
  create(model: string, properties: Record<string, unknown>): Promise<Item>;
  get(model: string, properties: Record<string, unknown>): Promise<Item | undefined>;
  find(model: string, properties?: Record<string, unknown>): Promise<Item[]>;
  update(model: string, properties: Record<string, unknown>): Promise<Item | undefined>;
  upsert(model: string, properties: Record<string, unknown>): Promise<Item>;
  remove(model: string, properties: Record<string, unknown>): Promise<unknown>;
}
