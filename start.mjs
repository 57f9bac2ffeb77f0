// `npm start`: installs and builds what is missing, then shows one device's whole life (examples/demo/life.ts).
// Plain JavaScript without dependencies, because on a fresh clone there is nothing else yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node ${process.versions.node} is too old: version 20.19 or later is needed\n`);
  process.exit(2);
}
if (!isInstalled())
  run('installing the dependencies (once)', 'npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error']);
run(existsSync(`${root}examples/dist`) ? undefined : 'building (once)', process.execPath, [
  'node_modules/typescript/bin/tsc',
  '-b',
]);
await import('./examples/dist/demo/life.js');

/** npm writes its own copy of the lock file last, so an install that was cut short is seen. */
function isInstalled() {
  const installed = `${root}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      path === '' ||
      optional ||
      link ||
      !path.startsWith('node_modules/') ||
      present[path]?.version === version,
  );
}

/** Runs quietly; what the command said is shown when it fails. */
function run(title, command, args) {
  if (title) process.stderr.write(`${title} …\n`);
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status === 0) return;
  process.stderr.write(
    `${stdout ?? ''}${stderr ?? ''}"${command} ${args.join(' ')}" failed${error ? `: ${error.message}` : ''}\n`,
  );
  process.exit(1);
}
