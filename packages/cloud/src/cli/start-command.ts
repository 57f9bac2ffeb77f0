import { readSchema } from '@ioto/database';
import { createLogger, type LogLevel, readTextIfPresent } from '@ioto/runtime';
import { Command } from 'commander';
import type { CloudConfig } from '../config.ts';
import { stateOption } from './admin-command.ts';
import type { Terminal } from './terminal.ts';

interface StartOptions {
  state: string;
  listen?: string;
  host?: string;
  mqtt?: string;
  mtls?: string;
  workers?: string;
  certificateLife?: string;
  logQuota?: string;
  roles?: string;
  builder?: string;
  builderAuthority?: string;
  cloudKeyFile?: string;
  name?: string;
  type?: CloudConfig['type'];
  region?: string;
  schema?: string;
  json?: boolean;
  debug?: boolean;
  quiet?: boolean;
}

/** `ioto-cloud start`: runs until it is asked to stop. */
export function startCommand(terminal: Terminal): Command {
  const command = new Command('start')
    .summary('run a builder, a device cloud, or both')
    .addOption(stateOption())
    .option('--listen <host:port>', 'the one TLS port for HTTPS and MQTT (default 127.0.0.1:8443)')
    .option('--host <name>', 'DNS name that devices reach it by (default localhost)')
    .option('--mqtt <host:port>', 'also speak MQTT here, whatever the ALPN')
    .option('--mtls <host:port>', 'also speak HTTPS with client certificate here')
    .option('--workers <count>', 'do TLS in so many processes beside this one, up to 64 (default 0)')
    .option('--certificate-life <days>', 'how long a device certificate holds (default 730)')
    .option('--log-quota <gib>', 'GiB of logs that an account may keep on the disk (default 10)')
    .option('--roles <list>', 'builder, device-cloud or both (default builder,device-cloud)')
    .option('--builder <url>', 'builder of a device cloud without the builder role, with its /api')
    .option('--builder-authority <file>', 'PEM of the authority that the builder is trusted by')
    .option('--cloud-key-file <file>', 'key from "ioto-cloud cloud create"')
    .option('--name <name>', 'name of this cloud')
    .option('--type <type>', 'dedicated or hosted')
    .option('--region <region>', 'region of this cloud')
    .option('--schema <file>', 'data schema of the devices, JSON5 in OneTable form, the same file as theirs')
    .option('--json', 'print where it is as one JSON object once it serves')
    .option('--debug', 'log everything')
    .option('--quiet', 'log errors only');
  return command.action(() => run(command.opts<StartOptions>(), terminal));
}

async function run(options: StartOptions, terminal: Terminal): Promise<void> {
  const { json, debug, quiet, roles, workers, certificateLife, logQuota, schema, ...given } = options;
  const level: LogLevel = debug ? 'debug' : quiet ? 'error' : 'info';
  const definition = schema === undefined ? undefined : await readSchema(schema, readTextIfPresent);
  // Only this command pays for loading the whole cloud.
  const { createCloud } = await import('../build-cloud.ts');
  const cloud = createCloud({
    ...given,
    ...(workers === undefined ? {} : { workers: countOf(workers) }),
    ...(certificateLife === undefined ? {} : { certificateLife: countOf(certificateLife) }),
    ...(logQuota === undefined ? {} : { logQuota: countOf(logQuota) }),
    schema: definition,
    roles: roles?.split(',').map((role) => role.trim()) as CloudConfig['roles'] | undefined,
    logger: createLogger('ioto-cloud', { level, destination: terminal.log }),
  });
  await cloud.start(terminal.stopping);
  try {
    const { firstLogin } = cloud;
    if (firstLogin) {
      terminal.say("the owner's login, shown this once:");
      terminal.say(`  email     ${firstLogin.email}\n  password  ${firstLogin.password}`);
    }
    const { adminKey: _adminKey, authority: _authority, ...place } = cloud.place();
    if (!json) terminal.say(`devices and clients trust it by ${place.authorityFile}`);
    terminal.out(json ? `${JSON.stringify({ ...place, pid: process.pid })}\n` : `${place.api}\n`);
    await stopRequested(terminal.stopping);
  } finally {
    await cloud.stop();
  }
}

/** What is no number stays as it is, for the configuration to name. */
function countOf(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : (text as unknown as number);
}

function stopRequested(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
