import { readFileSync } from 'node:fs';

/** Put in by `ioto build`, whose files have no package beside them. */
declare const IOTO_VERSION: string | undefined;

/** Version of the agent, as `--version` prints it. */
export function agentVersion(): string {
  if (typeof IOTO_VERSION === 'string') return IOTO_VERSION;
  const file = new URL('../package.json', import.meta.url);
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
}
