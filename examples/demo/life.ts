import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '@ioto/agent';
import { type Cloud, createCloud } from '@ioto/cloud';
import { CodedError, createLogger, isCodedError, messageOf, standardError } from '@ioto/runtime';
import { CloudSession } from './cloud-session.ts';
import { type DemoSite, demoSite } from './demo-site.ts';
import { createDemoDevice } from './device.ts';
import { Narrator } from './narrator.ts';
import { type DemoOptions, parseOptions, usage } from './options.ts';
import { step } from './steps.ts';
import { tellLife } from './story.ts';

/** The configuration stands beside the source, also when this runs from `dist`. */
const CONFIG = fileURLToPath(
  new URL(import.meta.url.includes('/dist/demo/') ? '../../demo' : '.', import.meta.url),
);

const narrator = new Narrator({ out: process.stdout });

/** A cloud and a device in one process. */
interface Stage {
  cloud: Cloud;
  device: Agent;
  site: DemoSite;
  /** Where the device serves its own page. */
  pages: string[];
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        stopping.abort(new CodedError('STOPPED', `stopped by ${signal}`));
        resolve();
      });
    }
  });
  const running: { stop(): Promise<void> }[] = [];
  try {
    const stage = await raise(options, running, stopping.signal);
    await tellLife({
      ...stage,
      place: stage.cloud.place(),
      cloudState: join(options.state, 'cloud'),
      narrator,
      claim: options.claim,
      once: options.once,
      signal: stopping.signal,
    });
    if (options.once) return 0;
    farewell(stage, options);
    await stopped;
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    throw error;
  } finally {
    for (const part of running.reverse()) await part.stop();
  }
}

/** Starts the cloud, makes the demo's product and user, and sets up the device. */
async function raise(
  options: DemoOptions,
  running: { stop(): Promise<void> }[],
  signal: AbortSignal,
): Promise<Stage> {
  const logger = createLogger('demo', { level: 'warn', destination: standardError() });
  const cloud = createCloud({
    state: join(options.state, 'cloud'),
    listen: `127.0.0.1:${options.port}`,
    logger,
  });
  running.push(cloud);
  await step('cloud up', cloud.start(signal));
  const place = cloud.place();
  narrator.step('cloud up', `builder and device cloud at ${place.api}`);
  const admin = new CloudSession(place.api, place.authority, place.adminKey);
  const site = await step('demo product and user', demoSite(options.state, admin, cloud.firstLogin));
  const device = createDemoDevice({
    config: CONFIG,
    state: join(options.state, 'device'),
    builder: place.api,
    product: site.product,
    settings: {
      tls: { authority: place.authorityFile },
      // The demo's cloud may come back on another port than the one that was provisioned.
      mqtt: { authority: place.authorityFile, port: place.port },
      web: { listen: `http://127.0.0.1:${options.port === 0 ? 0 : options.port + 1}` },
    },
    logger,
  });
  running.push(device);
  const stage: Stage = { cloud, device, site, pages: [] };
  device.once('web:listening', ({ addresses }) => stage.pages.push(...addresses));
  return stage;
}

/** What a person can do next. */
function farewell({ cloud, site, pages }: Stage, { state }: DemoOptions): void {
  const { api, authorityFile } = cloud.place();
  narrator.line();
  narrator.line(`  cloud API    ${api}   (authority: ${authorityFile})`);
  narrator.line(`  device page  ${pages.join(' ')}`);
  narrator.line(`  demo login   ${site.email}   ${site.password}`);
  narrator.line(`  look around  npx ioto-cloud device list --state ${join(state, 'cloud')}`);
  narrator.line('  stop         Ctrl-C; the next start resumes');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = isCodedError(error, 'OPTION_INVALID');
  const message = messageOf(error);
  // The port in the way is this demo's own choice, not something in a file.
  const hint = message.includes('EADDRINUSE') ? '\nanother pair of ports: npm start -- --port N\n' : '\n';
  process.stderr.write(isUsage ? `npm start: ${message}\n${usage}` : `${message}${hint}`);
  process.exitCode = isUsage ? 2 : 1;
}
