/** Types a Store value can have on the wire, where every value is text. */
export type StoreValue = string | number | boolean | Date | Record<string, unknown> | unknown[];

/** Named values of the device, kept in its database and synchronized with the cloud (Ioto contract: model Store). */
export interface Store {
  /** The value under `key` in the type it was set with; undefined when there is none. */
  get(key: string): Promise<StoreValue | undefined>;
  /** Resolves when the value is durable on the device; it travels up when the cloud is there. */
  set(key: string, value: StoreValue): Promise<void>;
}
