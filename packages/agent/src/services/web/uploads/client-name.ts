/** Bytes of a file's name. */
const LONGEST = 255;

/**
 * How a client calls a file, fit to be shown and to be a name in a directory: without directories of its own, without
 * characters that do not show, and never one that means a directory.
 */
export function baseNameOf(told: string): string {
  const last = told.split(/[/\\]/).at(-1) ?? '';
  let name = last.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '').trim();
  while (Buffer.byteLength(name) > LONGEST) name = [...name].slice(0, -1).join('');
  return /^\.*$/.test(name) ? 'file' : name;
}
