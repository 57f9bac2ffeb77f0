import { constants } from 'node:fs';
import { type FileHandle, open, readlink, stat } from 'node:fs/promises';
import { pathWithin } from './path-within.ts';

/** What a path of the site leads to. */
export interface LocatedFile {
  /** Absolute, without links. */
  path: string;
  /** Tells one content of the file from another, as the file system does. */
  version: string;
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970. */
  modified: number;
  isDirectory: boolean;
}

/**
 * Looks for a file below `root`, by a decoded path that ends in a slash for a directory's `index`. Undefined when there is
 * none, when it is neither file nor directory, and when links lead out of the root: to the outside these are all alike.
 */
export async function locateFile(
  root: string,
  path: string,
  index: string,
): Promise<LocatedFile | undefined> {
  try {
    const found = await pathWithin(root, path.endsWith('/') ? `${path}${index}` : path);
    if (found === undefined) return undefined;
    const facts = await stat(found, { bigint: true });
    if (!facts.isFile() && !facts.isDirectory()) return undefined;
    return {
      path: found,
      version: `${facts.ino}-${facts.size}-${facts.mtimeNs}`,
      size: Number(facts.size),
      modified: Number(facts.mtimeMs),
      isDirectory: facts.isDirectory(),
    };
  } catch {
    // Missing, unreadable, a name too long, a loop of links.
    return undefined;
  }
}

/** Opens a file that was located; undefined when something else lies there by now. The caller closes it. */
export async function openLocated(file: LocatedFile): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const facts = await handle.stat({ bigint: true });
    if (`${facts.ino}-${facts.size}-${facts.mtimeNs}` === file.version && (await isAt(handle, file.path))) {
      return handle;
    }
  } catch {
    // Gone, or a link by now.
  }
  await handle?.close();
  return undefined;
}

/**
 * Whether what is open lies at a path without links: a directory of it may have become one to the outside since it was looked
 * at. Where the system does not show what is open, the look before has to do.
 */
async function isAt({ fd }: FileHandle, path: string): Promise<boolean> {
  const opened = await readlink(`/proc/self/fd/${fd}`).catch(() => undefined);
  return opened === undefined || opened === path;
}
