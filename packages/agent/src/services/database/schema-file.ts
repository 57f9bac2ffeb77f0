import { compileSchema, type Schema } from '@ioto/database';
import { coreSchema } from '@ioto/protocol';
import { CodedError, messageOf, readTextIfPresent } from '@ioto/runtime';
import { isProperties, type Properties } from '../../config-loading/blend.ts';
import { parseJson5 } from '../../config-loading/json5.ts';
import { COMMAND_JOURNAL } from '../sync/commands.ts';

/** The agent's own models: of no product's schema, never synced. */
const AGENT_MODELS = {
  [COMMAND_JOURNAL]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#command#${id}' },
    id: { type: 'string', required: true },
    ran: { type: 'date' },
  },
};

/**
 * The schema of the file, JSON5 in OneTable's form, with the core models that it leaves out; without a file the core
 * models alone.
 *
 * @throws SCHEMA_INVALID naming the file, and model, field and rule; CONFIG_SYNTAX, CONFIG_MISSING.
 */
export async function loadSchema(file: string | undefined): Promise<Schema> {
  if (file === undefined) return compileSchema(withAgentModels({}));
  const text = await readTextIfPresent(file);
  if (text === undefined) {
    throw new CodedError('CONFIG_MISSING', `database.schema: there is no file ${file}`);
  }
  try {
    return compileSchema(withAgentModels(parseJson5(text, file)));
  } catch (error) {
    if (error instanceof CodedError && error.code === 'CONFIG_SYNTAX') throw error;
    throw new CodedError('SCHEMA_INVALID', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

function withAgentModels(schema: Properties): Properties {
  const { control, process, models, ...rest } = schema;
  const own = (value: unknown) => (isProperties(value) ? value : {});
  return {
    ...coreSchema,
    ...rest,
    models: { ...coreSchema.models, ...own(models), ...AGENT_MODELS },
    process: { ...coreSchema.process, ...own(control), ...own(process) },
  };
}
