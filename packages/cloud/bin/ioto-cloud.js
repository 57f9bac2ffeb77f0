#!/usr/bin/env node
// A committed shim, because npm does not link a `bin` that a clean install has not built yet.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write('ioto-cloud: not built yet: run "npm run build" first\n');
  process.exit(2);
}
await import(main.href);
