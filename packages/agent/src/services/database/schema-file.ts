import { compileSchema, completeSchema, readSchema, type Schema } from '@ioto/database';
import { CodedError, messageOf, readTextIfPresent } from '@ioto/runtime';
import { AGENT_MODELS, AGENT_PROCESS } from './agent-models.ts';

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
