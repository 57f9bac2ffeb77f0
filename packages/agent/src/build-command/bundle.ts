import { fileURLToPath } from 'node:url';
import { CodedError, messageOf } from '@ioto/runtime';
import type { Metafile, Plugin } from 'esbuild';
import type { ServiceName } from '../service-table.ts';
import { argon2Source } from '../services/web/passwords/argon2-source.ts';
import { agentVersion } from '../version.ts';
import { standIns } from './stand-ins/stand-ins.ts';

/** The agent's own code lies as TypeScript in the repository and as JavaScript where it was installed. */
const ENDING = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

export interface Bundle {
  /** One CommonJS program in ASCII that needs nothing but Node, and `iotoUrl`, the URL of its own file. */
  code: string;
  /** Licences of what went into it that ask to be shown. */
  legal: string;
  metafile: Metafile;
}

/**
 * All code of a program and of the services that it contains in one text, and nothing of the others.
 *
 * @param entry The program; default: the agent itself.
 * @throws BUILD_FAILED with the first error and its place; BUILD_TOOL_MISSING.
 */
export async function bundle(services: readonly ServiceName[], entry?: string): Promise<Bundle> {
  const { build } = await tool();
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [entry ?? pathOf(`../main.${ENDING}`)],
      outfile: 'program.cjs',
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minify: true,
      metafile: true,
      legalComments: 'linked',
      logLevel: 'silent',
      conditions: ENDING === 'ts' ? ['source'] : [],
      // Everything is in the one text: what is loaded later is only evaluated later. And it is in one line, since nothing
      // but templates would break it: the loader then need not put it together.
      supported: { 'dynamic-import': false, 'template-literal': false },
      define: { 'import.meta.url': 'iotoUrl', IOTO_VERSION: JSON.stringify(agentVersion()) },
      alias: { '@ioto/agent': pathOf(`../index.${ENDING}`) },
      plugins: [onlyServices(services), standIns()],
    });
    const text = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
    return { code: text('program.cjs'), legal: text('.LEGAL.txt'), metafile };
  } catch (error) {
    throw new CodedError('BUILD_FAILED', `build: ${firstError(error)}`, { cause: error });
  }
}

/** Stands in for the files that name all services, and for commands of what is not there. */
function onlyServices(services: readonly ServiceName[]): Plugin {
  const modules = services.map((name) => `${name}:()=>import('./services/${name}/build.${ENDING}')`);
  const replaced: Record<string, string> = {
    'service-modules': `export const SERVICE_MODULES={${modules.join(',')}}`,
    // A product makes no builds.
    'build-command/command-line': 'export function describeBuild(){}',
    'build-command/run': 'export {}',
    ...(services.includes('web')
      ? { 'services/web/passwords/argon2-source': argon2Within() }
      : { 'web-command/command-line': 'export function describeWeb(){}', 'web-command/run': 'export {}' }),
    ...(services.includes('database')
      ? {}
      : { 'db-command/command-line': 'export function describeDb(){}', 'db-command/run': 'export {}' }),
  };
  return {
    name: 'only these services',
    setup({ onLoad }) {
      for (const [name, contents] of Object.entries(replaced)) {
        const path = pathOf(`../${name}.${ENDING}`);
        onLoad({ filter: new RegExp(`^${escaped(path)}$`) }, () => ({
          contents,
          loader: 'js',
          resolveDir: pathOf('..'),
        }));
      }
    },
  };
}

/** The library that hashes passwords in a thread of its own, as text within the program; its licence is at its beginning. */
function argon2Within(): string {
  return `export const argon2Source=()=>${JSON.stringify(argon2Source())}`;
}

async function tool(): Promise<typeof import('esbuild')> {
  try {
    return await import('esbuild');
  } catch (cause) {
    throw new CodedError(
      'BUILD_TOOL_MISSING',
      'build: the package esbuild is not installed here: npm install esbuild',
      { cause },
    );
  }
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url)).replace(/\/$/, '');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function firstError(error: unknown): string {
  const { errors = [] } = error as { errors?: { text: string; location?: { file: string; line: number } }[] };
  const [first] = errors;
  if (!first) return messageOf(error);
  const text = /^Top-level await/.test(first.text)
    ? 'await stands outside of a function, which one file cannot have: put the program into an async function'
    : first.text;
  return first.location ? `${first.location.file}:${first.location.line}: ${text}` : text;
}
