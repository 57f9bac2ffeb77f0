import { messageOf } from '@ioto/runtime';
import type { AgentSettings } from '../config.ts';
import { listenAddresses } from '../services/web/listen-address.ts';
import { invalid, type Locate } from './settings.ts';

/** Checks what is text to the schema and an address to its reader. @throws CONFIG_INVALID */
export function checkAddresses({ api, web }: AgentSettings, locate: Locate): void {
  for (const name of ['builder', 'serialize'] as const) {
    const url = api[name];
    if (url === undefined || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) continue;
    throw invalid(['api', name], locate, 'must be a URL that begins with https:// or http://');
  }
  try {
    listenAddresses(web);
  } catch (error) {
    throw invalid(['web', web.listen === undefined ? 'listens' : 'listen'], locate, messageOf(error));
  }
}
