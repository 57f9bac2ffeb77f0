// Holds the tree to two house rules that no linter knows: no source file over 400 lines, no drawer named after nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const LONGEST = 400;
const DRAWERS = /(^|\/)(utils?|helpers?|misc|common|lib)(\/|\.[cm]?[jt]sx?$)/;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(ts|mjs|vue)$/.test(file) && existsSync(file));
const problems = files.flatMap((file) => {
  const lines = readFileSync(file, 'utf8').split('\n').length - 1;
  return [
    ...(lines > LONGEST ? [`${file}: ${lines} lines, more than ${LONGEST}: split it by concept`] : []),
    ...(DRAWERS.test(file) ? [`${file}: a drawer, not a concept: name it after what it holds`] : []),
  ];
});
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(1);
}
process.stdout.write(`${files.length} source files, none over ${LONGEST} lines\n`);
