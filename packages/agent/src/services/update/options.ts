import type { Clock, Emitter, Logger } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { ServerTime } from '../../cloud-api/server-time.ts';
import type { AgentSettings } from '../../config.ts';
import type { UrlFetch } from '../url/fetch.ts';
import type { Applying } from './applying.ts';
import type { CheckIn } from './check-in.ts';
import type { Trust } from './offer.ts';
import type { UpdateScript } from './script.ts';
import type { Window } from './window.ts';

export interface UpdateServiceOptions {
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  random: () => number;
  time: Pick<ServerTime, 'now'>;
  settings: AgentSettings['update'];
  /** Of the software that runs. */
  version: string;
  /** Of the journal and the image. */
  directory: string;
  checkIn: Pick<CheckIn, 'ask' | 'isPossible'>;
  fetch: UrlFetch;
  /** Milliseconds without a byte after which a download breaks off. */
  patience: number;
  trust: Trust;
  /** When the device may check in, and when an update may be applied. */
  schedule: Window;
  apply: Window;
  script: UpdateScript;
  applying: Applying;
}
