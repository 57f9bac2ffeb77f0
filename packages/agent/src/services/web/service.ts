import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import type { AgentStatus } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import { listenAddresses } from '../../config-loading/listen-address.ts';
import type { Complain } from './complain.ts';
import { Servers } from './listening/servers.ts';
import { OwnPages } from './own-pages.ts';
import { Site } from './request-path/site.ts';
import { compileRoutes } from './routing/compile-routes.ts';
import { compileRedirects } from './routing/redirects.ts';
import { answerHeaders } from './security-headers/answer-headers.ts';
import { SiteFiles } from './static-files/site-files.ts';

export interface WebServiceOptions {
  web: AgentSettings['web'];
  /** Directory of the pages. */
  documents: string;
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
}

/** Service `web`: the device's own pages, which need no cloud. */
export class WebService implements Component {
  readonly name = 'web';
  readonly #options: WebServiceOptions;
  readonly #servers: Servers;

  /** @throws what `complain` makes of settings that cannot be meant. */
  constructor(options: WebServiceOptions) {
    const { web, documents, cache, clock, logger, complain, status, figures } = options;
    this.#options = options;
    const headers = answerHeaders(web.headers, complain);
    const names = listenAddresses(web).flatMap(({ host }) => host?.toLowerCase() ?? []);
    const site = new Site({
      routes: compileRoutes(web.routes, complain),
      redirects: web.redirect.length > 0 ? compileRedirects(web.redirect, complain) : undefined,
      files: new SiteFiles({ root: documents, index: web.index, mime: web.mime, cache }),
      pages: new OwnPages({ metrics: web.metrics, names, headers, status, figures }),
      ...{ headers, name: web.name, maxHeaders: web.limits.headers, clock, logger },
    });
    this.#servers = new Servers({ bounds: web.limits, patience: web.timeouts, handle: site.handle });
  }

  /** @throws CONFIG_INVALID for a bad address; WEB_LISTEN when one cannot be listened on. */
  async start(): Promise<void> {
    const { web, logger, events } = this.#options;
    const addresses: string[] = [];
    for (const address of listenAddresses(web)) {
      if (!address.secure) addresses.push(await this.#servers.listen(address));
      else {
        logger.warn(
          { port: address.port },
          'this build listens on http addresses only; an https address was left out',
        );
      }
    }
    events.emit('web:listening', { addresses });
  }

  async stop(): Promise<void> {
    await this.#servers.close();
  }
}
