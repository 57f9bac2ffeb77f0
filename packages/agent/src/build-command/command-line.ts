import { CodedError } from '@ioto/runtime';
import type { Command } from 'commander';
import { SERVICE_TABLE, type ServiceName } from '../service-table.ts';

/** What `ioto build` is to make. */
export interface BuildInvocation {
  /** As they were named; what they need comes with them. */
  services: readonly ServiceName[];
  /** Path of the one file. */
  out: string;
  /** A program of one's own that imports the agent; default: the program `ioto` itself. */
  entry: string | undefined;
  /** Where to write what the file is made of, as esbuild tells it. */
  metafile: string | undefined;
}

interface BuildFlags {
  services?: string;
  out?: string;
  entry?: string;
  metafile?: string;
}

/** Adds `build` to a program's commands. */
export function describeBuild(program: Command, invoked: (invocation: BuildInvocation) => void): void {
  const names = SERVICE_TABLE.map(({ name }) => name).join(', ');
  program
    .command('build')
    .description('make one file that runs by itself, with the services that are named and no others')
    .option('--services <list>', `services to put in, with commas between them (default: all): ${names}`)
    .option('--out <file>', 'path of the file, such as ioto.cjs')
    .option('--entry <file>', 'a program of your own that imports @ioto/agent, instead of ioto itself')
    .option('--metafile <file>', 'also write what the file is made of, as JSON')
    .action((flags: BuildFlags) => invoked(interpret(flags)));
}

function interpret({ services, out, entry, metafile }: BuildFlags): BuildInvocation {
  if (out === undefined) throw new CodedError('USAGE', 'build: say with --out where the file goes');
  if (/\.(?:m?[jt]s|json)$/.test(out)) {
    throw new CodedError(
      'USAGE',
      `build: --out ${out}: name it .cjs, or without an ending, so that Node runs it anywhere`,
    );
  }
  return { services: services === undefined ? all() : servicesOf(services), out, entry, metafile };
}

function all(): ServiceName[] {
  return SERVICE_TABLE.map(({ name }) => name);
}

function servicesOf(list: string): ServiceName[] {
  const known = new Set<string>(all());
  const named = list.split(',').map((name) => name.trim());
  const unknown = named.find((name) => !known.has(name));
  if (unknown === undefined) return named as ServiceName[];
  throw new CodedError(
    'USAGE',
    `build: --services: there is no service "${unknown}"; there are ${all().join(', ')}`,
  );
}
