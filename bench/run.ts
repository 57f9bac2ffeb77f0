import { parseArgs } from 'node:util';
import { type Bench, describeMachine, printTable } from './report.ts';

/** Every bench by name; each is imported only when it runs, because some start child processes of their own. */
const BENCHES: Record<string, () => Promise<{ bench: Bench }>> = {
  agent: () => import('./agent/agent.ts'),
  life: () => import('./life/life.ts'),
  database: () => import('./database/database.ts'),
  mqtt: () => import('./mqtt/mqtt.ts'),
  sync: () => import('./sync/sync.ts'),
  shadow: () => import('./shadow/shadow.ts'),
  logs: () => import('./logs/logs.ts'),
  keys: () => import('./keys/keys.ts'),
  'device-logs': () => import('./logs/device.ts'),
  web: () => import('./web/web.ts'),
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, devices: { type: 'string' } },
});
const [name] = positionals;
const load = name === undefined ? undefined : BENCHES[name];
if (!name || !load) {
  process.stderr.write(
    `usage: npm run bench -- NAME [--json]\nNAME is one of: ${Object.keys(BENCHES).join(', ')}\n`,
  );
  process.exit(2);
}
const { bench } = await load();
const figures = await bench({
  progress: (line) => process.stderr.write(`${line}\n`),
  devices: values.devices === undefined ? undefined : Number(values.devices),
});
const machine = describeMachine();
if (values.json) process.stdout.write(`${JSON.stringify({ bench: name, machine, figures })}\n`);
else printTable(name, machine, figures);
process.exit(0);
