import { createHash, timingSafeEqual } from 'node:crypto';
import { Blowfish } from './blowfish.ts';

/** Who signs in with what; the realm is part of hashes that digest authentication needs. */
export interface SignIn {
  username: string;
  realm: string;
  password: string;
}

/** Rounds that are followed; more would be no hash of Ioto, and hold the device. */
const MOST_ROUNDS = 100_000;
const PHRASE = Buffer.from('OrpheanBeholderScryDoubt');
const BF1 = /^BF1:(\d{1,6}):([A-Za-z0-9+/=]{1,64}):([A-Za-z0-9+/]{32})$/;

/** Whether this is a hash that Ioto made: `BF1:…`, `SHA256:…`, `MD5:…`, or one of these two without its name. */
export function isOldHash(hash: string): boolean {
  return digestOf(hash) !== undefined || BF1.test(hash);
}

/** Whether the password is that of an old hash. False for what is none. */
export function verifyOldHash(hash: string, { username, realm, password }: SignIn): boolean {
  const digest = digestOf(hash);
  if (digest) {
    const whole = createHash(digest.algorithm).update(`${username}:${realm}:${password}`).digest();
    return isSame(whole, Buffer.from(digest.hex, 'hex'));
  }
  const [, rounds = '', salt = '', text = ''] = BF1.exec(hash) ?? [];
  if (text === '' || Number(rounds) < 1 || Number(rounds) > MOST_ROUNDS) return false;
  const expected = Buffer.from(text, 'base64');
  // Users of a file were hashed with name and realm, those of a database without: both are tried, always.
  const keys = [`${salt}:${username}:${realm}:${password}`, `${salt}:${password}`];
  const results = keys.map((key) => isSame(blowfishHash(key, Number(rounds)), expected));
  return results.includes(true);
}

function digestOf(hash: string): { algorithm: 'sha256' | 'md5'; hex: string } | undefined {
  const [, name, hex = ''] = /^(?:(SHA256|MD5):)?([0-9a-f]+)$/i.exec(hash) ?? [];
  const algorithm = hex.length === 64 ? 'sha256' : hex.length === 32 ? 'md5' : undefined;
  if (!algorithm || (name !== undefined && name.toLowerCase() !== algorithm)) return undefined;
  return { algorithm, hex };
}

/** The phrase, encrypted so many times, its words written with their last byte first. */
function blowfishHash(key: string, rounds: number): Buffer {
  const cipher = new Blowfish(Buffer.from(key));
  const result = Buffer.alloc(PHRASE.length);
  for (let at = 0; at < PHRASE.length; at += 8) {
    let block: [number, number] = [PHRASE.readUInt32BE(at), PHRASE.readUInt32BE(at + 4)];
    for (let round = 0; round < rounds; round += 1) block = cipher.encrypt(...block);
    result.writeUInt32LE(block[0], at);
    result.writeUInt32LE(block[1], at + 4);
  }
  return result;
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
