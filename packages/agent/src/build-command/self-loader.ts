import { createHash } from 'node:crypto';

/** Between the loader and the program. */
const MARK = '\n//ioto:program\n//';
/** Characters of a build's name, at the beginning of its cache. */
const NAME_LENGTH = 64;

/**
 * One file that runs a program by itself. The program stands in comments, which Node passes over; the loader takes it out and
 * has V8 compile it, or better, load what it compiled before: the code cache beside the file, which is used only
 * if it was made of this very program by this version of Node.
 */
export function selfLoading(program: string): string {
  const name = createHash('sha256').update(program).digest('hex').slice(0, NAME_LENGTH);
  return `#!/usr/bin/env node\n${loader(name)}${MARK}${program.replaceAll('\n', '\n//')}\n`;
}

/** With `IOTO_CODE_CACHE` the cache is written at the exit: `run` after a run, `compile` without one. */
function loader(name: string): string {
  return `'use strict';
const fs = require('node:fs');
const { Script } = require('node:vm');
const text = fs.readFileSync(__filename, 'latin1');
const mark = '\\n//ioto:' + 'program\\n//';
const source = text.slice(text.indexOf(mark) + mark.length).replaceAll('\\n//', '\\n');
const cacheFile = __filename + '.cache';
let cachedData;
try {
  const cache = fs.readFileSync(cacheFile);
  if (cache.latin1Slice(0, ${NAME_LENGTH}) === '${name}') cachedData = cache.subarray(${NAME_LENGTH});
} catch {}
const script = new Script('(function(exports,require,module,__filename,__dirname){' + source + '\\n})', {
  filename: __filename,
  cachedData,
});
const task = process.env.IOTO_CODE_CACHE;
const save = () => {
  fs.writeFileSync(cacheFile, Buffer.concat([Buffer.from('${name}'), script.createCachedData()]));
};
if (task === 'run') process.on('exit', save);
if (task === 'compile') save();
else script.runInThisContext()(exports, require, module, __filename, __dirname);`;
}
