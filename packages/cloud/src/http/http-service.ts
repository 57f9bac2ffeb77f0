import type { Server } from 'node:http';
import type { Clock, Component, Logger } from '@ioto/runtime';
import type { HttpApp } from './http-app.ts';

/** Adds one capability's routes to the app; paths are relative to `/api`. */
export type RouteModule = (app: HttpApp) => void;

export interface HttpServiceOptions {
  clock: Clock;
  logger: Logger;
  /** Mounted under `/api`. */
  api: readonly RouteModule[];
  /** Mounted at `/`. */
  root: readonly RouteModule[];
}

/** The HTTP side of the one port: it never listens itself, the front door hands it connections. */
export class HttpService implements Component {
  readonly name = 'http';
  readonly #options: HttpServiceOptions;

  constructor(options: HttpServiceOptions) {
    this.#options = options;
  }

  get server(): Server {
    throw new Error('not started');
  }

  async start(): Promise<void> {
    void this.#options;
  }

  async stop(): Promise<void> {}
}
