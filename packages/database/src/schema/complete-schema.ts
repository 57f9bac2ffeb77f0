import { coreSchema } from '@ioto/protocol';
import { isPlainObject } from '../items/frozen.ts';

/**
 * The definition of a product's schema with the core models, and what it leaves out of their surroundings: both ends make
 * the same of the same file. A model that the product defines itself takes the place of the core's.
 */
export function completeSchema(definition: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { control, process, models, params, ...rest } = definition;
  return {
    ...coreSchema,
    ...rest,
    models: { ...coreSchema.models, ...own(models) },
    process: { ...coreSchema.process, ...own(control), ...own(process) },
    params: { ...coreSchema.params, ...own(params) },
  };
}

function own(value: unknown): object {
  return isPlainObject(value) ? value : {};
}
