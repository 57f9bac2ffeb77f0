/** What a hash costs: KiB, passes over them, lanes. */
export interface Cost {
  memory: number;
  passes: number;
  parallelism: number;
}

export interface Argon2Hash {
  cost: Cost;
  salt: Buffer;
  hash: Buffer;
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
/** More than a device should spend on one sign-in: such a hash is none. */
const MOST_MEMORY = 64 * 1024;
const MOST_WORK = 4 * MOST_MEMORY;
const MOST_LANES = 4;

/** Reads `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH`; undefined for what is none, or would cost too much. */
export function parsePhc(text: string): Argon2Hash | undefined {
  const [, memory, passes, parallelism, salt = '', hash = ''] = PHC.exec(text) ?? [];
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const lanes = cost.parallelism >= 1 && cost.parallelism <= MOST_LANES;
  if (!lanes || !(cost.passes >= 1) || cost.memory < 8 * cost.parallelism) return undefined;
  if (cost.memory > MOST_MEMORY || cost.memory * cost.passes > MOST_WORK) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

export function formatPhc({ cost: { memory, passes, parallelism }, salt, hash }: Argon2Hash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
