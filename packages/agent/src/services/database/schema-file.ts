import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compileSchema, completeSchema, readSchema, type Schema } from '@ioto/database';
import { CodedError, messageOf, readTextIfPresent } from '@ioto/runtime';
import { type Directories, expandPath } from '../../config-loading/directories.ts';
import { COMMAND_JOURNAL } from '../sync/commands.ts';
import { SYNC_GENERATION } from '../sync/hello.ts';
import { MEMORY_NOTE } from '../sync/memory-models.ts';

/** The agent's own models: of no product's schema, never synced. */
const AGENT_MODELS = {
  [COMMAND_JOURNAL]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#command#${id}' },
    id: { type: 'string', required: true },
    ran: { type: 'date' },
  },
  [MEMORY_NOTE]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#memory#' },
  },
  [SYNC_GENERATION]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#generation#' },
    id: { type: 'string', required: true },
    checked: { type: 'date' },
  },
};

/**
 * They are on disk whatever `database.durability` says: a Command that ran must not run again after a restart because the
 * product keeps its own items in memory.
 */
const AGENT_PROCESS = {
  [COMMAND_JOURNAL]: { sync: 'none', durability: 'each' },
  [MEMORY_NOTE]: { sync: 'none', durability: 'each' },
};

/**
 * The file that `database.schema` names. Most lie beside ioto.json5, where only `@config` finds them from any working
 * directory.
 *
 * @throws SCHEMA_INVALID for a name that is only right there.
 */
export function locateSchema(name: string, directories: Directories): string {
  const file = expandPath(name, directories);
  if (existsSync(file) || !existsSync(join(directories.config, name))) return file;
  const message = `schema: ${file} is missing: a relative path counts from the working directory. Did you mean database.schema: '@config/${name}'?`;
  throw new CodedError('SCHEMA_INVALID', message);
}

/**
 * The schema of the file, JSON5 in OneTable's form, with what it blends in and the core models that it leaves out; without
 * a file the core models alone.
 *
 * @throws SCHEMA_INVALID naming the file, and model, field and rule.
 */
export async function loadSchema(file: string | undefined): Promise<Schema> {
  const definition = completeSchema(file === undefined ? {} : await readSchema(file, readTextIfPresent));
  const models = { ...(definition.models as object), ...AGENT_MODELS };
  const process = { ...(definition.process as object | undefined), ...AGENT_PROCESS };
  try {
    return compileSchema({ ...definition, models, process });
  } catch (error) {
    throw new CodedError('SCHEMA_INVALID', `${file}: ${messageOf(error)}`, { cause: error });
  }
}
