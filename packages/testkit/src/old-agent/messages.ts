/**
 * The bodies that an Ioto 3.0 agent sends, with its oddities: `pk` never goes up, `created` is 1970, Store numbers are
 * strings, a zero is printed as `e+00`, and `${deviceId}` stays literal.
 */

export interface OldItem {
  _type: string;
  sk: string;
  updated: string;
  [field: string]: unknown;
}

export interface OldDeviceFile {
  id: string;
  product: string;
  name?: string;
  description?: string;
  model?: string;
  test?: boolean | number;
  [property: string]: unknown;
}

/** Milliseconds since the epoch at which every Ioto 3.0 device believes to have been made. */
const CREATED = new Date(0).toISOString();

export function registerBody(file: OldDeviceFile): string {
  const { id, product, name = '', description = '', model = '', test = false, ...rest } = file;
  return JSON.stringify({ id, product, name, description, model, test, created: CREATED, ...rest });
}

/** No CSR: the cloud makes the key. */
export function provisionBody(id: string): string {
  return JSON.stringify({ id });
}

export function updateBody(file: OldDeviceFile, version: string): string {
  return JSON.stringify({ ...file, version, iotoVersion: '3.0.0' });
}

export function syncUpBody(seq: number, changes: readonly { cmd: string; item: OldItem }[]): string {
  return JSON.stringify({ seq, changes: changes.map(({ cmd, item }) => ({ cmd, key: item.sk, item })) });
}

export function syncDownBody(timestamp: number): string {
  return JSON.stringify({ timestamp: new Date(timestamp).toISOString() });
}

/** The text of a Store value: whatever its type, a string; a numeric zero as the agent's printf leaves it. */
export function storeText(value: string | number | boolean): string {
  return value === 0 ? 'e+00' : String(value);
}

export function storeSetBody(key: string, value: string | number | boolean): string {
  return JSON.stringify({ key, value: storeText(value), type: typeof value });
}

/** Not always JSON: a value of zero stands bare as `e+00`. */
export function metricSetBody(metric: string, value: number): string {
  const number = value === 0 ? 'e+00' : String(value);
  return `{"metric":${JSON.stringify(metric)},"value":${number},"dimensions":[{"Device":"\${deviceId}"}],"buffer":{"elapsed":0}}`;
}
