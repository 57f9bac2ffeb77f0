import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CodedError, messageOf, systemCode } from '@ioto/runtime';
import { bundle } from './bundle.ts';
import { cacheAgent, cacheProgram } from './code-cache.ts';
import type { BuildInvocation } from './command-line.ts';
import { containedServices } from './contained.ts';
import { selfLoading } from './self-loader.ts';

/**
 * Makes the file, its code cache and, where the licences of what went into it ask for it, `FILE.LEGAL.txt`. Tells `say` what
 * it does.
 *
 * @throws BUILD_FAILED, BUILD_TOOL_MISSING, BUILD_DOES_NOT_START, BUILD_UNWRITABLE.
 */
export async function runBuild(invocation: BuildInvocation, say: (line: string) => void): Promise<void> {
  const { entry, metafile } = invocation;
  const out = resolve(invocation.out);
  const { services, added } = containedServices(invocation.services);
  for (const { name, neededBy } of added) say(`${neededBy} needs ${name}: it is put in too`);
  say(`bundling ${services.join(', ')}`);
  const { code, legal, metafile: made } = await bundle(services, entry);
  await written(out, async () => {
    await mkdir(dirname(out), { recursive: true });
    // A cache of an earlier build is of no use, and a file is either the old one or the new one.
    await rm(`${out}.cache`, { force: true });
    await writeFile(`${out}.part`, selfLoading(code));
    await chmod(`${out}.part`, 0o755);
    await rename(`${out}.part`, out);
    if (legal) await writeFile(`${out}.LEGAL.txt`, legal);
    if (metafile !== undefined) await writeFile(metafile, `${JSON.stringify(made)}\n`);
  });
  say('starting it once, for its code cache');
  await started(out, () => (entry === undefined ? cacheAgent(out, services) : cacheProgram(out)));
  const [file, cache] = await Promise.all([stat(out), stat(`${out}.cache`)]);
  say(
    `${invocation.out}: ${kilobytes(file.size)}, and ${kilobytes(cache.size)} of cache for Node ${process.version}`,
  );
}

/** A file that does not start is of no use to anybody. */
async function started(out: string, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    for (const file of [out, `${out}.cache`, `${out}.LEGAL.txt`]) await rm(file, { force: true });
    throw error;
  }
}

async function written(out: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new CodedError(
      'BUILD_UNWRITABLE',
      `build: cannot write ${out} (${systemCode(error) ?? messageOf(error)})`,
      { cause: error },
    );
  }
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KB`;
}
