import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../../../test/world.ts';
import { locateFile, openLocated } from './located-file.ts';

const onLinux = process.platform === 'linux';

describe('a file that was located', () => {
  it.runIf(onLinux)('is not opened where a directory of it has become a link to the outside', async () => {
    await using directory = await Directory.create();
    for (const name of ['site', 'outside']) {
      await mkdir(directory.at(name, 'sub'), { recursive: true });
      await writeFile(directory.at(name, 'sub', 'a.txt'), name);
    }
    const inside = await locateFile(directory.at('site'), '/sub/a.txt', 'index.html');
    const outside = await locateFile(directory.at('outside'), '/sub/a.txt', 'index.html');
    if (!inside || !outside) throw new Error('neither is there');
    const opened = await openLocated(inside);
    expect(opened).toBeDefined();
    await opened?.close();
    await rename(directory.at('site', 'sub'), directory.at('site', 'before'));
    await symlink(directory.at('outside', 'sub'), directory.at('site', 'sub'));
    expect(await openLocated(inside)).toBeUndefined();
    // It became one between the look at the path and the look at the file.
    expect(await openLocated({ ...outside, path: inside.path })).toBeUndefined();
  });
});
