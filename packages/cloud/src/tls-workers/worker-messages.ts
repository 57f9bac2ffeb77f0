import type { SendHandle } from 'node:child_process';
import type { Door } from '../front-door/doors.ts';
import type { FrontDoorLimits } from '../front-door/tls-doors.ts';
import type { ServerIdentity } from '../ports/certificate-authority.ts';

/** What the core tells a worker, over the channel between the two processes. */
export type ToWorker =
  | ({ type: 'serve' } & Serving)
  /** Comes with the handle of a listener, by its number; without a door the ALPN of each connection says which. */
  | { type: 'listen'; listener: number; door?: Door }
  | { type: 'renew'; identity: ServerIdentity }
  /** No more connections until `listen` comes again. */
  | { type: 'rest' }
  /** No more connections; the end comes with the last one that is left. */
  | { type: 'stop' };

export interface Serving {
  identity: ServerIdentity;
  /** Base64. */
  ticketKeys: Record<Door, string>;
  /** Those that the core has something behind. */
  doors: readonly Door[];
  limits: FrontDoorLimits;
  /** Number of `listen` that follow. */
  listeners: number;
  /** Path of the core's socket, and what proves a worker there, base64. */
  core: { path: string; secret: string };
}

/** What a worker tells the core. */
export type FromWorker =
  /** Ready to be told. */
  | { type: 'loaded' }
  /** All listeners take connections. */
  | { type: 'serving' }
  | FailedMessage
  /** What has happened since the last one. */
  | ({ type: 'report' } & WorkerReport)
  /** No listener takes connections any more. */
  | { type: 'stopped' };

/** A listener cannot take connections; `code` is the system's. */
export interface FailedMessage {
  type: 'failed';
  listener: number;
  code?: string;
}

export interface WorkerReport {
  /** Connections that never reached the core, by reason. */
  refused: Record<string, number>;
  lines: LogLine[];
  /** Connections that it relays now. */
  connections: number;
}

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  facts: object;
  message: string;
}

/** A listener's socket on its way to a worker: Node takes its bare handle as well as a server. */
export type ListenHandle = SendHandle;
