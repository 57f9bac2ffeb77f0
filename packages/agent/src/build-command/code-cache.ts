import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ioto/runtime';
import type { ServiceName } from '../service-table.ts';

/** Milliseconds that an agent may take to start. */
const PATIENCE = 60_000;

/**
 * Writes the code cache of a built agent beside it: of all functions that a start of it runs, up to the point where its
 * local services are ready.
 *
 * @throws BUILD_DOES_NOT_START with what it said.
 */
export async function cacheAgent(file: string, services: readonly ServiceName[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'ioto-build-'));
  try {
    const settings = {
      services: Object.fromEntries(services.map((name) => [name, name === 'serialize' ? 'auto' : true])),
      // Nobody is there: a start does not wait for anybody.
      api: { builder: 'https://127.0.0.1:9/api' },
      device: { product: '01JZZZZZZZZZZZZZZZZZZZZZZZ' },
      web: { listen: 'http://127.0.0.1:0' },
    };
    await writeFile(join(directory, 'ioto.json5'), JSON.stringify(settings));
    const options = [
      '--config',
      directory,
      '--state',
      join(directory, 'state'),
      '--exit',
      'local',
      '--quiet',
    ];
    await runFor(file, 'run', options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same of a program that nobody here knows how to start: of its outermost functions. */
export async function cacheProgram(file: string): Promise<void> {
  await runFor(file, 'compile', []);
}

async function runFor(file: string, task: 'run' | 'compile', args: readonly string[]): Promise<void> {
  const said: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, IOTO_CODE_CACHE: task },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE,
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
    child.on('error', reject).on('close', resolve);
  });
  if (code === 0) return;
  throw new CodedError('BUILD_DOES_NOT_START', `build: ${file} does not start: ${said.join('').trim()}`);
}
