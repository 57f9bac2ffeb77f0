import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * The path without links of what a path below `root` leads to; undefined where links lead out of the root.
 *
 * @throws what the system says of a path that is not there
 */
export async function pathWithin(root: string, path: string): Promise<string | undefined> {
  const within = await realpath(root);
  const found = await realpath(join(within, path));
  return found === within || found.startsWith(within + sep) ? found : undefined;
}
