// Completes package-lock.json with the optional packages of other platforms that npm left out.
//
// A registry that does not carry a package of another platform makes `npm install` drop it from the lock file without a
// word, and `npm ci` then refuses the lock file everywhere. Whoever is on such a platform needs the entry; for everybody
// else it costs nothing. Run it after `npm install`; it changes nothing when nothing is missing.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const packages = lock.packages;
const OS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];

let added = 0;
for (const [place, entry] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isPresent(place, name)) continue;
    const version = /^[\^~]?(\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(range)?.[1];
    if (!version) throw new Error(`${place} wants ${name} ${range}: add it to the lock file by hand`);
    packages[`node_modules/${name}`] = { version, ...platformOf(name), dev: entry.dev, optional: true };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added > 0) writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
process.stdout.write(`${added} packages of other platforms added\n`);

/** As Node resolves: in the package's own node_modules, or in one further up. */
function isPresent(place, name) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder}${folder && '/'}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

/** Platform packages carry their platform in the name; without it npm would install them everywhere. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = OS.find((each) => words.includes(each));
  const cpu = CPU.find((each) => words.includes(each));
  if (!os && !cpu) throw new Error(`${name} does not say its platform: add it to the lock file by hand`);
  return {
    ...(cpu ? { cpu: [cpu] } : {}),
    ...(os ? { os: [os] } : {}),
    ...(words.includes('musl') ? { libc: ['musl'] } : {}),
  };
}
