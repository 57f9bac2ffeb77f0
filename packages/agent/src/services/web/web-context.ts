import type { Database } from '@ioto/database';
import type { Clock, Emitter, Logger } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import type { Directories } from '../../config-loading/directories.ts';
import type { ActionTable } from './actions/action-table.ts';
import type { Roles } from './auth/roles.ts';
import type { SignIn } from './auth/sign-in.ts';
import type { UserStore } from './auth/user-store.ts';
import type { Complain } from './complain.ts';
import type { Lasting } from './lasting.ts';
import type { KeyPair } from './listening/own-certificate.ts';
import type { Passwords } from './passwords/password.ts';
import type { Route } from './routing/route.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { SignatureBook } from './signatures/open-signatures.ts';
import type { RoomOf } from './uploads/upload-place.ts';

/** What the parts of one web service share. */
export interface WebContext {
  readonly web: AgentSettings['web'];
  readonly directories: Directories;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter<AgentEvents>;
  /** Makes the error about a setting that cannot be meant. */
  readonly complain: Complain;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names that the device goes by, in lower case and without a port. */
  readonly names: readonly string[];
  readonly roles: Roles;
  readonly routes: readonly Route[];
  readonly sessions: Sessions;
  readonly lasting: Lasting;
  readonly actions: ActionTable;
  /** Loaded when somebody signs in. @throws CONFIG_INVALID, CONFIG_SYNTAX for users that cannot be read */
  readonly users: () => Promise<UserStore>;
  /** Hashes one after the other, whoever asks. */
  readonly passwords: () => Promise<Passwords>;
  /** Checks passwords, whoever asks: how often they may be tried holds for all together. */
  readonly signIn: () => Promise<SignIn>;
  /** What everybody around knows of the device: its claim ID, product and name. */
  readonly known: () => readonly string[];
  /** The certificate that the device cloud has given the device; undefined while there is none. */
  readonly provisioned: () => Promise<KeyPair | undefined>;
  /** Undefined while the service `database` is off. */
  readonly database: () => Database | undefined;
  /** Read at the start where a route is checked by them, else never. */
  readonly signatures: () => Promise<SignatureBook>;
  /** What room a directory has; undefined: as the system says. */
  readonly room?: RoomOf;
}
