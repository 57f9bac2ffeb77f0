import { isIP } from 'node:net';

/** An address as a number, of 32 bits or of 128. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

const MAPPED = 0xffffn;

/** Whether an address lies within. False for a text that is no address. */
export type IpRange = (address: string) => boolean;

/**
 * A range in CIDR notation (RFC 4632, RFC 4291 §2.3), or a single address. IPv4 mapped into IPv6 is IPv4 (RFC 4291
 * §2.5.5.2), on either side. Undefined for a text that is neither.
 */
export function parseIpRange(text: string): IpRange | undefined {
  const [, base = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const raw = base.includes('%') ? undefined : parseAddress(base);
  if (!raw) return undefined;
  const prefix = length === undefined ? raw.bits : Number(length);
  if (prefix > raw.bits) return undefined;
  const isMapped = raw.bits === 128 && prefix >= 96 && raw.value >> 32n === MAPPED;
  const { bits, value } = isMapped ? unmapped(raw) : raw;
  const rest = BigInt(raw.bits - prefix);
  return (other) => {
    const address = parseIpAddress(other);
    return address?.bits === bits && address.value >> rest === value >> rest;
  };
}

/** The address in the one form that conditions compare: IPv4 not mapped, without a zone. Undefined for what is no address. */
export function plainAddress(text: string): string | undefined {
  const address = parseIpAddress(text);
  if (!address) return undefined;
  if (address.bits === 128) return withoutZone(text);
  return [24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 255n).join('.');
}

function parseIpAddress(text: string): Address | undefined {
  const address = parseAddress(withoutZone(text));
  return address && unmapped(address);
}

function withoutZone(text: string): string {
  return text.replace(/%.*$/s, '');
}

function unmapped({ bits, value }: Address): Address {
  if (bits === 32 || value >> 32n !== MAPPED) return { bits, value };
  return { bits: 32, value: value & 0xffffffffn };
}

function parseAddress(text: string): Address | undefined {
  const family = isIP(text);
  if (family === 4) return { bits: 32, value: joined(text.split('.').map(BigInt), 8n) };
  if (family !== 6) return undefined;
  const [left = '', right] = text.split('::');
  const head = groupsOf(left);
  const tail = groupsOf(right ?? '');
  const gap = new Array<bigint>(right === undefined ? 0 : 8 - head.length - tail.length).fill(0n);
  return { bits: 128, value: joined([...head, ...gap, ...tail], 16n) };
}

/** Groups of 16 bits; the last may be written as IPv4 (RFC 4291 §2.2). */
function groupsOf(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const value = joined(group.split('.').map(BigInt), 8n);
    return [value >> 16n, value & 0xffffn];
  });
}

function joined(parts: readonly bigint[], width: bigint): bigint {
  return parts.reduce((value, part) => (value << width) | part, 0n);
}
