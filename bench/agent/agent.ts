import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetSite } from '@ioto/testkit/fleet/index';
import { DeviceFiles } from '@ioto/testkit/programs/agent-program';
import { CloudProgram } from '@ioto/testkit/programs/cloud-program';
import { Program, runProgram } from '@ioto/testkit/programs/program';
import { claim, type FleetOwner, prepareSite } from '../life/fleet-life.ts';
import { type Bench, type Figure, figure, percentile } from '../report.ts';
import { type Cost, costOf, type Subject } from './cost.ts';

const RUNS = 9;
const LOCAL = /local services are ready/;
const CONNECTED = /"connected to the cloud"/;

/** What the files of `ioto build` cost, beside a Node that does nothing and one that is a web server and nothing else. */
export const bench: Bench = async ({ progress }) => {
  const directory = mkdtempSync(join(tmpdir(), 'ioto-bench-agent-'));
  try {
    progress('building');
    const full = await build(join(directory, 'full.cjs'), []);
    const small = await build(join(directory, 'small.cjs'), ['--services', 'web,database']);
    await using cloud = await CloudProgram.start({ state: join(directory, 'cloud') });
    const { site, owner } = await prepareSite(cloud);
    progress('claiming a device');
    const device = await onboarded(join(directory, 'device'), site, owner);
    site.http.destroy();
    const local = await DeviceFiles.create({
      ...{ directory: join(directory, 'local'), builder: site.builder, authority: site.authority },
      settings: { services: { web: true, database: true } },
    });
    progress(`${RUNS} starts of each, one after the other`);
    const costs = await costOf(
      {
        full: agent(full, device, CONNECTED),
        small: agent(small, local, LOCAL),
        node: script(join(directory, 'node.cjs'), ''),
        http: script(
          join(directory, 'http.cjs'),
          "require('node:http').createServer().listen(0,'127.0.0.1');",
        ),
      },
      RUNS,
    );
    return figures(costs);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

function figures({ full, small, node, http }: Record<'full' | 'small' | 'node' | 'http', Cost[]>): Figure[] {
  const median = (costs: Cost[], of: (cost: Cost) => number) => percentile(costs.map(of), 0.5);
  const beside = (
    name: string,
    costs: Cost[],
    unit: string,
    of: (cost: Cost) => number,
    peer: [string, Cost[]],
  ) => figure(name, median(costs, of), unit, [peer[0], median(peer[1], of)]);
  const bare: [string, Cost[]] = ['bare Node', node];
  const web: [string, Cost[]] = ['bare node:http', http];
  return [
    beside('agent.startToLocal.p50', full, 'ms', ({ local }) => local, bare),
    beside('agent.restartToConnected.p50', full, 'ms', ({ reached }) => reached, bare),
    beside('agent.connected.cpu', full, 'ms', ({ cpu }) => cpu, bare),
    beside('agent.connected.rss', full, 'MiB', ({ rss }) => rss, bare),
    beside('agent.connected.private', full, 'MiB', (cost) => cost.private, bare),
    beside('agent.webDatabase.startToLocal.p50', small, 'ms', ({ local }) => local, web),
    beside('agent.webDatabase.cpu', small, 'ms', ({ cpu }) => cpu, web),
    beside('agent.webDatabase.rss', small, 'MiB', ({ rss }) => rss, web),
    beside('agent.webDatabase.private', small, 'MiB', (cost) => cost.private, web),
  ];
}

async function build(out: string, args: string[]): Promise<string> {
  const { code, stderr } = await runProgram('ioto', ['build', '--out', out, ...args], { timeout: 60_000 });
  if (code !== 0) throw new Error(stderr);
  return out;
}

/** A device with an owner and a certificate, which has been in step with its cloud. */
async function onboarded(directory: string, site: FleetSite, owner: FleetOwner): Promise<DeviceFiles> {
  const { builder, product, authority } = site;
  const device = await DeviceFiles.create({ directory, builder, product, authority });
  await using agent = device.start(['--verbose']);
  await agent.waitFor(/waiting to be claimed/);
  await claim((await device.id()) ?? '', site, owner);
  await agent.waitFor(/in step with the cloud/);
  await agent.kill('SIGTERM');
  return device;
}

function agent(file: string, { config, state }: DeviceFiles, reached: RegExp): Subject {
  const args = ['--config', config, '--state', state];
  return { start: () => Program.spawnScript(file, args), local: LOCAL, reached };
}

function script(file: string, text: string): Subject {
  writeFileSync(file, `${text}process.stderr.write('ready');setInterval(()=>{},1e6)`);
  return { start: () => Program.spawnScript(file, []), local: /ready/, reached: /ready/ };
}
