import { isCodedError } from '@ioto/runtime';

/** Codes of mistakes in what a person wrote: options and files. */
const MISTAKES =
  /^(USAGE|CONFIG_|SCHEMA_INVALID|UNITS_|CLAIM_ID_|ID_CONFLICT|MODEL_UNKNOWN|INDEX_UNKNOWN|CURSOR_INVALID|IMPORT_INVALID|FIELD_|KEY_)/;

/** 2 for a mistake in options or files, which trying again does not mend; else 1. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return isCodedError(error) && MISTAKES.test(error.code) ? 2 : 1;
}
