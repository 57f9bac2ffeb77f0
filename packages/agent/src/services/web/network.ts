import { isIPv6 } from 'node:net';

/** Who has one IPv6 address has all of its /64: they count as one client. */
export function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = !tail ? [] : tail.split(':');
  // Four hexadecimal digits stand before a last part that is written as IPv4.
  const length = before.length + after.length + (after.at(-1)?.includes('.') ? 1 : 0);
  const whole = tail === undefined ? before : [...before, ...Array(8 - length).fill('0'), ...after];
  return `${whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
