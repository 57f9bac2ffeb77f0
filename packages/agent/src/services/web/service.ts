import { existsSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';
import type { Database } from '@ioto/database';
import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import type { AgentStatus } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import { type Directories, expandPath } from '../../config-loading/directories.ts';
import { listenAddresses } from '../../config-loading/listen-address.ts';
import type { Action, ActionTable } from './actions/action-table.ts';
import { compileRoles, USUAL_ROLES } from './auth/roles.ts';
import { openUsers } from './auth/users.ts';
import type { Complain } from './complain.ts';
import { Lasting } from './lasting.ts';
import type { KeyPair } from './listening/own-certificate.ts';
import type { ServerCertificate } from './listening/server-certificate.ts';
import { Servers } from './listening/servers.ts';
import type { RunningWeb } from './open-web.ts';
import { OwnPages } from './own-pages.ts';
import type { Passwords } from './passwords/password.ts';
import { lazily } from './request-path/handlers.ts';
import { Site, type SiteOptions } from './request-path/site.ts';
import { compileRoutes } from './routing/compile-routes.ts';
import { warnOfOpenWrites } from './routing/open-writes.ts';
import { compileRedirects } from './routing/redirects.ts';
import { answerHeaders } from './security-headers/answer-headers.ts';
import { Sessions } from './sessions/sessions.ts';
import { FileHandler } from './static-files/file-handler.ts';
import { SiteFiles } from './static-files/site-files.ts';
import { checkUploadDirectory, clearUploads, type RoomOf } from './uploads/upload-place.ts';
import type { WebUsers } from './web-api.ts';
import type { WebContext } from './web-context.ts';

export interface WebServiceOptions {
  web: AgentSettings['web'];
  directories: Directories;
  /** Bytes of files kept in memory. */
  cache: number;
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
  /** Makes the error about a setting that cannot be meant. */
  complain: Complain;
  status: () => AgentStatus;
  /** The figures of the agent, in Prometheus' text format. */
  figures: () => string;
  /** The certificate that the device cloud has given the device; undefined while there is none. */
  provisioned: () => Promise<KeyPair | undefined>;
  /** What the program answers. */
  actions: ActionTable;
  /** Undefined while the service `database` is off. */
  database: () => Database | undefined;
  /** What room a directory has; default: as the system says. */
  room?: RoomOf;
  /** What everybody around knows of the device: no password. */
  known: () => readonly string[];
  /** Default: as costly as is recommended. */
  passwords?: Passwords;
}

/** Service `web`: the device's own pages, which need no cloud. */
export class WebService implements Component, RunningWeb {
  readonly name = 'web';
  readonly #options: WebServiceOptions;
  readonly #context: WebContext;
  readonly #servers: Servers;
  #certificate: ServerCertificate | undefined;
  /** Where uploads lie. */
  readonly #uploads: string;
  #stopChecking = () => {};
  addresses: readonly string[] = [];

  /** @throws what `complain` makes of settings that cannot be meant. */
  constructor(options: WebServiceOptions) {
    const { web, directories, cache, clock, complain, status, figures } = options;
    this.#options = options;
    const roles = compileRoles(web.auth.roles ?? USUAL_ROLES, complain);
    const lasting = new Lasting(web.limits.sockets);
    const context: WebContext = {
      ...{ ...options, roles },
      headers: answerHeaders(web.headers, complain),
      names: ownNames(web),
      routes: compileRoutes(web.routes, { web, roles }, complain),
      lasting,
      sessions: new Sessions(web, clock, (session) => lasting.endIn(session)),
      ...signingIn(options, () => context),
      signatures: lazily(async () =>
        (await import('./signatures/open-signatures.ts')).openSignatures(context),
      ),
    };
    this.#context = context;
    const { headers, names } = context;
    const root = expandPath(web.documents, directories);
    this.#uploads = expandPath(web.upload.dir, directories);
    checkUploadDirectory(this.#uploads, root, complain);
    const files = new FileHandler(
      context,
      new SiteFiles({ root, index: web.index, mime: web.mime, cache }),
      new OwnPages({ metrics: web.metrics, names, headers, status, figures }),
    );
    const site = new Site({
      ...{ context, files },
      redirects: web.redirect.length > 0 ? compileRedirects(web.redirect, complain) : undefined,
      ...parts(context, files),
    });
    const { limits: bounds, timeouts: patience } = web;
    const { handle, upgrade } = site;
    this.#servers = new Servers({ bounds, patience, handle, upgrade, tls: () => this.#tls() });
  }

  /** @throws CONFIG_INVALID for a bad address; WEB_LISTEN when one cannot be listened on. */
  async start(): Promise<void> {
    const { web, events, actions } = this.#options;
    const { routes, signatures } = this.#context;
    if (web.signatures.enable || routes.some(({ validate }) => validate)) await signatures();
    warnOfOpenWrites(routes, this.#options.logger);
    if (routes.some(({ handler }) => handler === 'rest')) {
      (await import('./rest/check-models.ts')).checkModels(this.#context);
    }
    this.#lookForDocuments();
    await clearUploads(this.#uploads);
    for (const action of actions.all) await this.#check(action);
    this.#stopChecking = actions.onAdd((action) => void this.#check(action));
    if (mayHoldUsers(this.#context)) (await import('./auth/check-users.ts')).checkUsers(this.#context);
    const addresses: string[] = [];
    for (const address of listenAddresses(web)) addresses.push(await this.#servers.listen(address));
    this.addresses = addresses;
    events.emit('web:listening', { addresses });
  }

  get users(): WebUsers {
    return openUsers(this.#context);
  }

  async stop(): Promise<void> {
    this.addresses = [];
    this.#stopChecking();
    this.#context.lasting.endAll();
    await this.#servers.close();
    await this.#certificate?.stop();
    this.#certificate = undefined;
  }

  /** Who names a directory means one that is there; the usual one need not be. */
  #lookForDocuments(): void {
    const { web, directories, logger } = this.#options;
    const root = expandPath(web.documents, directories);
    if (web.documents === '@site' || existsSync(root)) return;
    logger.warn(
      { documents: root },
      'the documents of web.json5 are not there: the device shows its own page',
    );
  }

  async #check(action: Action): Promise<void> {
    const { checkAction } = await import('./actions/check-actions.ts');
    checkAction(action, this.#context);
  }

  async #tls(): Promise<TlsOptions> {
    if (!this.#certificate) {
      const { ServerCertificate } = await import('./listening/server-certificate.ts');
      this.#certificate = new ServerCertificate(this.#context, (pair) => this.#servers.show(pair));
      await this.#certificate.start();
    }
    return this.#certificate.options();
  }
}

/** What is loaded when somebody signs in, or a program asks for the users. */
function signingIn(
  { passwords }: WebServiceOptions,
  context: () => WebContext,
): Pick<WebContext, 'users' | 'passwords' | 'signIn'> {
  const users = lazily(async () => (await import('./auth/user-store.ts')).UserStore.open(context()));
  const hashing = lazily(async () => passwords ?? (await import('./passwords/password.ts')).openPasswords());
  return {
    ...{ users, passwords: hashing },
    signIn: lazily(async () => {
      const { SignIn } = await import('./auth/sign-in.ts');
      return new SignIn(context(), await users(), await hashing());
    }),
  };
}

/** What is loaded when a request first needs it. */
function parts(context: WebContext, files: FileHandler): Pick<SiteOptions, 'gate' | 'handlers' | 'upgrade'> {
  const gate = lazily(async () => (await import('./auth/authentication.ts')).openGate(context));
  return {
    gate,
    upgrade: lazily(async () => (await import('./websockets/upgrade.ts')).openSockets(context, gate)),
    handlers: {
      action: lazily(async () => (await import('./actions/run-action.ts')).openActions(context, gate)),
      upload: lazily(async () => (await import('./uploads/upload-handler.ts')).openUploads(context, files)),
      rest: lazily(async () => (await import('./rest/rest-handler.ts')).openRest(context, gate)),
    },
  };
}

/** Whether there is anything of users and sessions to be checked at the start. */
function mayHoldUsers({ web: { auth, sessions }, database }: WebContext): boolean {
  return (
    sessions.sameSite.toLowerCase() === 'none' ||
    !sessions.httpOnly ||
    !auth.track ||
    Object.keys(auth.users).length > 0 ||
    ![auth.login, auth.logout].every((path) => path.startsWith('/')) ||
    auth.login === auth.logout ||
    auth.store === 'database' ||
    auth.realm !== undefined ||
    auth.secret !== undefined ||
    database()?.schema.models.has('User') === true
  );
}

/** What the device was told that it is called. */
function ownNames(web: AgentSettings['web']): string[] {
  const listens = listenAddresses(web).flatMap(({ host }) => host?.toLowerCase() ?? []);
  return web.name === undefined ? listens : [...listens, web.name.toLowerCase().replace(/:\d+$/, '')];
}
