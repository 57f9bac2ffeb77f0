import type { Database } from '@ioto/database';
import type { Clock, Logger } from '@ioto/runtime';
import type { AgentEvents } from './agent-events.ts';
import type { AgentSettings } from './config.ts';
import type { Directories } from './config-loading/directories.ts';
import type { Metric } from './measuring/metric.ts';
import type { Keys, ProgramLog, Shadow, Updates } from './service-apis.ts';
import type { UrlFetch } from './services/url/fetch.ts';
import type { Web } from './services/web/web-api.ts';
import type { Store } from './store.ts';

/**
 * Moments at which a power cut is interesting, each right after something became durable. A test hands in a
 * `checkpoint` that throws or never resolves there; a product has no use for it.
 */
export type Checkpoint =
  | 'identity-key-written'
  | 'device-file-written'
  | 'register-answer-written'
  | 'certificate-written'
  | 'provision-answer-written'
  | 'provision-forgotten'
  | 'certificate-removed'
  | 'command-journalled'
  | 'renewal-issued'
  | 'renewal-proven'
  | 'renewal-swapped'
  | 'renewal-saved'
  | 'job-journalled'
  | 'job-done';

export interface AgentOptions {
  /** Directory of the configuration files (`@config`). It is only read. */
  config?: string;
  /** Path of the maker's main file, whatever its name; its directory is `@config` unless `config` names another. */
  ioto?: string;
  /** Directory of everything the agent writes (`@state`). Default: the file's `directories.state`, else `state`. */
  state?: string;
  /** Claim ID; overrides `device.id`, and is kept in device.json5. */
  id?: string;
  /** Product ID, the registration token; overrides `device.product`. */
  product?: string;
  /** Base of the builder's API, with its `/api`; overrides `api.builder`. */
  builder?: string;
  /** Self-claim: the account, with `cloud`, that the device asks to belong to. */
  account?: string;
  cloud?: string;
  /** Name of the conditional set to blend; before IOTO_PROFILE, PROFILE and the file. */
  profile?: string;
  /** Forget provisioning, certificate and database first; the claim ID and the identity key stay. */
  reset?: boolean;
  /** Blended over everything read from files: the shape of ioto.json5, with `web` and `device` beside. */
  settings?: Record<string, unknown>;
  /** Sends everything up, asks for everything, or both, at the first connection. */
  sync?: 'up' | 'down' | 'both';
  /** Told of everything that goes to a cloud or comes from one, secrets included: for a person who looks for a fault. */
  traffic?: (piece: Traffic) => void;
  /** Where IOTO_PROFILE and PROFILE are looked up; the program hands in its own. Default: none. */
  environment?: Record<string, string | undefined>;
  clock?: Clock;
  logger?: Logger;
  /**
   * Called with the configuration once it has been read and checked, before anything is made of it: what a program has
   * of its own that depends on it, such as where its log goes. What it throws ends the start.
   */
  configured?: (settings: AgentSettings, directories: Directories) => void;
  /** The program's own log, for what sends it to the cloud, changes its level or reports its end. */
  log?: ProgramLog;
  /** A number in [0, 1) for jitter. */
  random?: () => number;
  checkpoint?: (moment: Checkpoint) => void | Promise<void>;
}

/** A message as it goes over the line. */
export interface Traffic {
  readonly over: 'http' | 'mqtt';
  readonly direction: 'out' | 'in';
  /** Request or status line and headers, or the topic. */
  readonly head: readonly string[];
  /** Undefined where it is handed on in pieces. */
  readonly body: string | Uint8Array | undefined;
}

/** How far the device has come. */
export type AgentPhase =
  | 'stopped'
  | 'starting'
  | 'local'
  | 'registered'
  | 'claimed'
  | 'provisioned'
  | 'connected'
  | 'ready';

export interface AgentStatus {
  phase: AgentPhase;
  id?: string;
  name?: string;
  claimed: boolean;
  connected: boolean;
  /** The last failure of a step towards the cloud, gone with the next success. */
  problem?: { code: string; message: string };
}

/** A device agent within a program. Made by `createAgent`; nothing happens before `start`. */
export interface Agent {
  /** The claim ID. @throws AGENT_NOT_READY before `start` resolved, or when no service gave the device one. */
  readonly id: string;
  /** The configuration as it was read, with defaults; frozen. @throws AGENT_NOT_READY before `start`. */
  readonly settings: AgentSettings;
  readonly status: AgentStatus;
  /** The database. @throws SERVICE_OFF when the service is off; AGENT_NOT_READY before `start`. */
  readonly db: Database;
  /** Named values that the cloud sees. Needs the database, or else the connection. */
  readonly store: Store;
  /** What the device measures. Needs the service metrics. */
  readonly metric: Metric;
  readonly url: { fetch: UrlFetch };
  /** The device's shadow. @throws SERVICE_OFF when the service is off; AGENT_NOT_READY before `start`. */
  readonly shadow: Shadow;
  /** Credentials for AWS's services. @throws SERVICE_OFF when the service is off; AGENT_NOT_READY before `start`. */
  readonly keys: Keys;
  /** Other software for the device. @throws SERVICE_OFF when the service is off; AGENT_NOT_READY before `start`. */
  readonly updates: Pick<Updates, 'check' | 'install'>;
  /** The device's own pages: what the program answers by them, and who may use them. */
  readonly web: Web;
  /** Resolves when the local services run; the cloud's steps go on in the background. */
  start(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /**
   * Resolves when the device is in step with its cloud; at once while it is. A device without an owner waits for one: only
   * `signal` ends that, with its reason.
   */
  ready(signal?: AbortSignal): Promise<void>;
  /** Ends whatever backoff the agent is in, at once. */
  wake(): void;
  on<K extends keyof AgentEvents>(event: K, listener: (payload: AgentEvents[K]) => void): () => void;
  once<K extends keyof AgentEvents>(event: K, listener: (payload: AgentEvents[K]) => void): () => void;
  next<K extends keyof AgentEvents>(event: K, signal?: AbortSignal): Promise<AgentEvents[K]>;
}
