import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@ioto/runtime';
import type { AgentSettings } from '../config.ts';
import { type Directories, databaseName, expandPath } from './directories.ts';
import { listenAddresses } from './listen-address.ts';
import { invalid, type Locate } from './settings.ts';

/** As the database takes it; its code is not loaded only to say so. */
const DATABASE_NAME = /^[A-Za-z0-9][\w-]{0,63}$/;
/** Bytes of changes that go in one message; what is around them takes the rest of what clouds take. */
const LARGEST_MESSAGE = 120 * 1024;

/** Checks what is text to the schema, and an address or a file to its reader. @throws CONFIG_INVALID */
export function checkAddresses(settings: AgentSettings, directories: Directories, locate: Locate): void {
  const { api, database, web } = settings;
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
  if (!DATABASE_NAME.test(databaseName(database.path))) {
    throw invalid(
      ['database', 'path'],
      locate,
      'must be a name of letters, digits, - and _, such as device.db',
    );
  }
  const schema = database.schema && expandPath(database.schema, directories);
  if (schema && !statSync(schema, { throwIfNoEntry: false })?.isFile()) {
    throw invalid(
      ['database', 'schema'],
      locate,
      `there is no file ${schema}${hint(database.schema, directories)}`,
    );
  }
  // A larger message ends the connection, and would be sent again for ever.
  if (database.maxSyncSize > LARGEST_MESSAGE) {
    throw invalid(['database', 'maxSyncSize'], locate, 'may be 120k at most: clouds take messages of 128 KB');
  }
  try {
    listenAddresses(web);
  } catch (error) {
    throw invalid(['web', web.listen === undefined ? 'listens' : 'listen'], locate, messageOf(error));
  }
}

/** Most schemas lie beside ioto.json5, where only `@config` finds them from any working directory. */
function hint(name: string, directories: Directories): string {
  if (!existsSync(join(directories.config, name))) return '';
  return `: a relative path counts from the working directory. Did you mean '@config/${name}'?`;
}
