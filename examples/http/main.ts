import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createThermostat } from './device.ts';

/** Configuration and pages stand beside the source, also when this runs from `dist`. */
const HERE = fileURLToPath(
  new URL(import.meta.url.includes('/dist/http/') ? '../../http' : '.', import.meta.url),
);
const usage = `usage: npm run example -- [--port N] [--state DIR]
  --port N      of its pages (default 8080)
  --state DIR   what it keeps (default .ioto/http)
`;

/** A maker has a key of its own, elsewhere; here one is made, so that there is something to sign images with. */
async function makeMakerKey(state: string): Promise<void> {
  const trusted = join(state, 'config', 'maker.pem');
  if (existsSync(trusted)) return;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await mkdir(join(state, 'config'), { recursive: true, mode: 0o700 });
  const options = { mode: 0o600 };
  await writeFile(join(state, 'maker.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), options);
  await writeFile(trusted, publicKey.export({ type: 'spki', format: 'pem' }));
}

/** Undefined where there is nothing to start: the help was asked for, or what was asked for is no option. */
function readOptions(): { port: string; state: string } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8080' },
        state: { type: 'string', default: '.ioto/http' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) process.stdout.write(usage);
    else if (/^\d{1,5}$/.test(values.port)) return values;
    else throw new Error(`--port ${values.port}: give a port from 0 to 65535`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
  }
  return undefined;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (!options) return;
  const { port, state } = options;
  await makeMakerKey(state);
  const agent = createThermostat({
    ...{ config: HERE, state },
    settings: { web: { listen: `http://127.0.0.1:${port}` } },
  });
  agent.on('web:listening', ({ addresses }) => {
    const sign = `npx ioto-cloud update sign 1.1.0 FILE --product thermostat --key ${join(state, 'maker.key')}`;
    process.stdout.write(`The thermostat is at ${addresses[0]}\nAn image for it is signed by: ${sign}\n`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void agent.stop());
  await agent.start();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
