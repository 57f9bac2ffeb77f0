import { createHash } from 'node:crypto';

/** Characters of a build's name, at the beginning of its cache. */
const NAME_LENGTH = 64;
const PARAMETERS = 'exports,require,module,__filename,__dirname,iotoUrl';

/**
 * One file that runs a program by itself. The program stands in a comment, which Node passes over, within a function whose
 * text V8 keeps anyway: the loader takes it from there, without a second copy in memory. It has V8 compile it, or better,
 * load what it compiled before: the code cache beside the file, which is used only if it was made of this very
 * program by this version of Node.
 *
 * @param program CommonJS; beside what that knows, `iotoUrl` is the URL of the file
 */
export function selfLoading(program: string): string {
  const name = createHash('sha256').update(program).digest('hex').slice(0, NAME_LENGTH);
  const wrapped = `(function(${PARAMETERS}){${program.trimEnd()}})`;
  return `#!/usr/bin/env node\n${loader(name)}\n${OPENING}${wrapped.replaceAll('\n', '\n//')}${CLOSING};\n`;
}

const OPENING = 'load((function(){\n//';
const CLOSING = '\n}).toString())';

/** With `IOTO_CODE_CACHE` the cache is written at the exit: `run` after a run, `compile` without one. */
function loader(name: string): string {
  return `'use strict';
function load(holder) {
  const { readFileSync, writeFileSync } = require('node:fs');
  const { Script } = require('node:vm');
  const source = holder.slice(holder.indexOf('//') + 2, -2).replaceAll('\\n//', '\\n');
  const cacheFile = __filename + '.cache';
  let cachedData;
  try {
    const cache = readFileSync(cacheFile);
    if (cache.latin1Slice(0, ${NAME_LENGTH}) === '${name}') cachedData = cache.subarray(${NAME_LENGTH});
  } catch {}
  const script = new Script(source, { filename: __filename, cachedData });
  const task = process.env.IOTO_CODE_CACHE;
  const save = () => {
    writeFileSync(cacheFile, Buffer.concat([Buffer.from('${name}'), script.createCachedData()]));
  };
  if (task === 'run') process.on('exit', save);
  if (task === 'compile') return save();
  const program = script.runInThisContext();
  const url = require('node:url').pathToFileURL(__filename).href;
  program(exports, require, module, __filename, __dirname, url);
}`;
}
