import { readFile } from 'node:fs/promises';
import { CodedError, systemCode } from '@ioto/runtime';
import type { AgentSettings } from '../config.ts';

/** The error for a setting that a service cannot do without. */
export function needed(setting: string, what: string, service = 'register'): CodedError {
  return new CodedError('CONFIG_INVALID', `${setting}: the service ${service} needs ${what}`);
}

/** @throws CONFIG_INVALID when nobody said where the builder is. */
export function requireBuilder({ api }: AgentSettings): string {
  if (api.builder !== undefined) return api.builder;
  throw needed('api.builder', "the builder's API, such as https://HOST/api (--builder)");
}

/** The text of a file that a setting names. @throws CONFIG_INVALID naming the setting when it cannot be read. */
export async function readPem(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CodedError('CONFIG_INVALID', `${setting}: ${path} cannot be read (${systemCode(error)})`, {
      cause: error,
    });
  }
}
