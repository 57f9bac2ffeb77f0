import type { TlsOptions } from 'node:tls';
import type { Database } from '@ioto/database';
import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import type { AgentStatus } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import { type Directories, expandPath } from '../../config-loading/directories.ts';
import { listenAddresses } from '../../config-loading/listen-address.ts';
import type { ActionTable } from './actions/action-table.ts';
import { compileRoles, USUAL_ROLES } from './auth/roles.ts';
import { openUsers } from './auth/users.ts';
import type { Complain } from './complain.ts';
import { Servers } from './listening/servers.ts';
import type { RunningWeb } from './open-web.ts';
import { OwnPages } from './own-pages.ts';
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
  /** What the program answers. */
  actions: ActionTable;
  /** Undefined while the service `database` is off. */
  database: () => Database | undefined;
  /** What room a directory has; default: as the system says. */
  room?: RoomOf;
}

/** Service `web`: the device's own pages, which need no cloud. */
export class WebService implements Component, RunningWeb {
  readonly name = 'web';
  readonly #options: WebServiceOptions;
  readonly #context: WebContext;
  readonly #servers: Servers;
  /** Where uploads lie. */
  readonly #uploads: string;
  addresses: readonly string[] = [];

  /** @throws what `complain` makes of settings that cannot be meant. */
  constructor(options: WebServiceOptions) {
    const { web, directories, cache, clock, complain, status, figures } = options;
    this.#options = options;
    const roles = compileRoles(web.auth.roles ?? USUAL_ROLES, complain);
    const context: WebContext = {
      ...{ ...options, roles },
      headers: answerHeaders(web.headers, complain),
      names: ownNames(web),
      routes: compileRoutes(web.routes, { web, roles }, complain),
      sessions: new Sessions(web, clock),
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
    this.#servers = new Servers({ bounds, patience, handle: site.handle, tls: () => this.#tls() });
  }

  /** @throws CONFIG_INVALID for a bad address; WEB_LISTEN when one cannot be listened on. */
  async start(): Promise<void> {
    const { web, events } = this.#options;
    const { routes, signatures } = this.#context;
    if (web.signatures.enable || routes.some(({ validate }) => validate)) await signatures();
    warnOfOpenWrites(routes, this.#options.logger);
    await clearUploads(this.#uploads);
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
    await this.#servers.close();
  }

  async #tls(): Promise<TlsOptions> {
    const { web, directories, complain, clock, names } = this.#context;
    const { configuredCertificate, tlsOptions } = await import('./listening/tls-options.ts');
    const choice = {
      ...{ settings: web.tls, complain },
      locate: (path: string) => expandPath(path, directories),
    };
    const options = tlsOptions(choice);
    const configured = configuredCertificate(choice);
    if (configured) return { ...options, ...configured };
    const { ownCertificate } = await import('./listening/own-certificate.ts');
    return { ...options, ...(await ownCertificate(directories.certs, names, clock.now())) };
  }
}

/** What is loaded when a request first needs it. */
function parts(context: WebContext, files: FileHandler): Pick<SiteOptions, 'gate' | 'handlers'> {
  const gate = lazily(async () => (await import('./auth/authentication.ts')).openGate(context));
  return {
    gate,
    handlers: {
      action: lazily(async () => (await import('./actions/run-action.ts')).openActions(context)),
      upload: lazily(async () => (await import('./uploads/upload-handler.ts')).openUploads(context, files)),
      rest: lazily(async () => (await import('./rest/rest-handler.ts')).openRest(context, await gate())),
    },
  };
}

/** What the device was told that it is called. */
function ownNames(web: AgentSettings['web']): string[] {
  const listens = listenAddresses(web).flatMap(({ host }) => host?.toLowerCase() ?? []);
  return web.name === undefined ? listens : [...listens, web.name.toLowerCase().replace(/:\d+$/, '')];
}
