const bits = new DataView(new ArrayBuffer(8));
const SIGN = 0x80000000;

/** Text of 16 letters for a number, in whose order the numbers are: `-1` before `2` before `10`. */
export function orderedNumber(value: number): string {
  // Both zeros are one number.
  bits.setFloat64(0, value === 0 ? 0 : value);
  const high = bits.getUint32(0);
  const low = bits.getUint32(4);
  // Of negative ones the larger pattern is the smaller number.
  return high >= SIGN ? hex(~high) + hex(~low) : hex(high ^ SIGN) + hex(low);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
