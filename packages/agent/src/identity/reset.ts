import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  readTextIfPresent,
  removeFileDurably,
  syncDirectory,
  systemCode,
  writeFileDurably,
} from '@ioto/runtime';
import { type Directories, SHADOW_FILE } from '../config-loading/directories.ts';
import { removePems } from './provision-file.ts';

/** Notes that a reset is wanted, so that one cut short by a power cut is finished at the next start. */
export async function requestReset({ state }: Directories): Promise<void> {
  await writeFileDurably(marker(state), '');
}

export async function isResetRequested({ state }: Directories): Promise<boolean> {
  return (await readTextIfPresent(marker(state))) !== undefined;
}

/** The first half of a reset, which needs no configuration: that of the next half may be what is broken. */
export async function forgetProvisioning(directories: Directories): Promise<void> {
  await removeFileDurably(join(directories.stateConfig, 'provision.json5'));
  await removePems(directories);
}

/**
 * Forgets provisioning, certificate, database and shadows. The claim ID and the identity key stay, since the builder knows the
 * device by them.
 *
 * @param database name of the database; only its files are removed, whatever else lies beside them
 */
export async function reset(directories: Directories, database: string): Promise<void> {
  await forgetProvisioning(directories);
  for (const file of await listDirectory(directories.db)) {
    if (file.startsWith(`${database}.`))
      await rm(join(directories.db, file), { recursive: true, force: true });
  }
  await rm(join(directories.db, SHADOW_FILE), { force: true });
  syncDirectory(directories.db);
  await removeFileDurably(marker(directories.state));
}

function marker(state: string): string {
  return join(state, 'reset.pending');
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
