import type { TlsOptions } from 'node:tls';
import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import type { AgentStatus } from '../../agent.ts';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import { type Directories, expandPath } from '../../config-loading/directories.ts';
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
}

/** Service `web`: the device's own pages, which need no cloud. */
export class WebService implements Component {
  readonly name = 'web';
  readonly #options: WebServiceOptions;
  readonly #servers: Servers;

  /** @throws what `complain` makes of settings that cannot be meant. */
  constructor(options: WebServiceOptions) {
    const { web, directories, cache, clock, logger, complain, status, figures } = options;
    this.#options = options;
    const headers = answerHeaders(web.headers, complain);
    const names = listenAddresses(web).flatMap(({ host }) => host?.toLowerCase() ?? []);
    const site = new Site({
      routes: compileRoutes(web.routes, complain),
      redirects: web.redirect.length > 0 ? compileRedirects(web.redirect, complain) : undefined,
      files: new SiteFiles({
        root: expandPath(web.documents, directories),
        index: web.index,
        mime: web.mime,
        cache,
      }),
      pages: new OwnPages({ metrics: web.metrics, names, headers, status, figures }),
      ...{ headers, name: web.name, maxHeaders: web.limits.headers, clock, logger },
    });
    const { limits: bounds, timeouts: patience } = web;
    this.#servers = new Servers({ bounds, patience, handle: site.handle, tls: () => this.#tls(names) });
  }

  /** @throws CONFIG_INVALID for a bad address; WEB_LISTEN when one cannot be listened on. */
  async start(): Promise<void> {
    const { web, events } = this.#options;
    const addresses: string[] = [];
    for (const address of listenAddresses(web)) addresses.push(await this.#servers.listen(address));
    events.emit('web:listening', { addresses });
  }

  async stop(): Promise<void> {
    await this.#servers.close();
  }

  async #tls(names: readonly string[]): Promise<TlsOptions> {
    const { web, directories, complain, clock } = this.#options;
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
