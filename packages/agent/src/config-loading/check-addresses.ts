import { existsSync } from 'node:fs';
import { messageOf } from '@ioto/runtime';
import type { AgentSettings } from '../config.ts';
import { type Directories, expandPath } from './directories.ts';
import { listenAddresses } from './listen-address.ts';
import { invalid, type Locate } from './settings.ts';

/** Checks what is text to the schema, and an address or a file to its reader. @throws CONFIG_INVALID */
export function checkAddresses(settings: AgentSettings, directories: Directories, locate: Locate): void {
  const { api, web } = settings;
  for (const name of ['builder', 'serialize'] as const) {
    const url = api[name];
    if (url === undefined || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) continue;
    throw invalid(['api', name], locate, 'must be a URL that begins with https:// or http://');
  }
  for (const group of ['tls', 'mqtt'] as const) {
    const path = settings[group].authority;
    if (path === undefined || existsSync(expandPath(path, directories))) continue;
    throw invalid([group, 'authority'], locate, `there is no file ${expandPath(path, directories)}`);
  }
  try {
    listenAddresses(web);
  } catch (error) {
    throw invalid(['web', web.listen === undefined ? 'listens' : 'listen'], locate, messageOf(error));
  }
}
