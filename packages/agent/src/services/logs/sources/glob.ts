import { lstat, readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';

/** Directories that `**` goes down, and names that one look goes through. */
const DEEPEST = 8;
const MOST_NAMES = 20_000;

export function isPattern(path: string): boolean {
  return /[*?]/.test(path);
}

/**
 * The paths that fit a pattern, in order: `*` stands for any characters of a name, `?` for one, `**` for any directories,
 * none of them by a link: links are followed only where the pattern begins without `*` and `?`. What cannot be read has no paths. Directories that fit are left out where they can be told.
 */
export async function findPaths(pattern: string): Promise<string[]> {
  const { root } = parse(pattern);
  const parts = pattern.slice(root.length).split('/').filter(Boolean);
  const found = new Set<string>();
  await walk(root, parts, found, { names: 0 }, 0);
  return [...found].sort();
}

async function walk(
  directory: string,
  [part, ...rest]: string[],
  found: Set<string>,
  budget: { names: number },
  depth: number,
  isMatch = false,
): Promise<void> {
  if (part === undefined) return;
  if (part !== '**' && !isPattern(part)) {
    const path = join(directory, part);
    if (rest.length > 0 && isMatch && !(await isDirectory(path))) return;
    if (rest.length > 0) await walk(path, rest, found, budget, depth, isMatch);
    else found.add(path);
    return;
  }
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const fits = part === '**' ? undefined : expressionOf(part);
  if (!fits) await walk(directory, rest, found, budget, depth, true);
  for (const entry of entries) {
    budget.names += 1;
    if (budget.names > MOST_NAMES) return;
    const path = join(directory, entry.name);
    if (!fits) {
      if (entry.isDirectory() && depth < DEEPEST)
        await walk(path, ['**', ...rest], found, budget, depth + 1, true);
    } else if (fits.test(entry.name)) {
      if (rest.length > 0 && entry.isDirectory()) await walk(path, rest, found, budget, depth, true);
      else if (rest.length === 0 && !entry.isDirectory()) found.add(path);
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isDirectory() === true;
}

/** Hidden files are found only by a pattern that begins with a dot, as the shell does. */
function expressionOf(part: string): RegExp {
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's');
}
