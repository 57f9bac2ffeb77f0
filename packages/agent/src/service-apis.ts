import type { LogLevel } from '@ioto/runtime';
import type { AgentEvents } from './agent-events.ts';
import type { ConnectionEnd } from './services/mqtt/refusal.ts';
import type { UrlAnswer } from './services/url/fetch.ts';

/** What services offer each other and the product, as interfaces: a service that is off is not loaded for its types. */

/** Credentials for AWS's way of signing requests, short-lived and for this device alone. */
export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  region: string;
  /** Milliseconds since the Unix epoch, by the cloud's clock. */
  expires: number;
}

/** Bases of what the credentials are for: `https://HOST:PORT`, without a path. */
export interface AwsEndpoints {
  logs: string;
  s3: string;
  monitoring: string;
}

/** Service `keys`: credentials from the cloud, renewed before they expire. */
export interface Keys {
  /** Present ones, fetched where there are none. @throws as `DeviceApi.post` does; NOT_CLAIMED. */
  get(): Promise<AwsKeys>;
  /** Undefined until the cloud has said them. */
  readonly endpoints: AwsEndpoints | undefined;
  /** The cloud refused these: the next `get` fetches anew. Nothing happens when they were replaced meanwhile. */
  refused(keys: AwsKeys): void;
}

export interface AwsRequest {
  /** Name to sign for: `logs`, `monitoring`, `s3`, `iotdata`, … */
  service: string;
  url: string;
  /** X-Amz-Target, for services that speak JSON 1.x. */
  target?: string;
  /** Default GET, or POST with a body. */
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Milliseconds for the whole exchange. Default `timeouts.api`. */
  timeout?: number;
  signal?: AbortSignal;
}

/**
 * A request signed with the device's credentials, sent once more when the cloud says that the date is off (dated by the
 * cloud's clock) or that the credentials are over (with new ones).
 *
 * @throws what `Keys.get` and `UrlFetch` throw. Any status is an answer, not an error.
 */
export type AwsFetch = (request: AwsRequest) => Promise<UrlAnswer>;

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The device's shadow: what the cloud desires of it, and what it reports. */
export interface Shadow {
  /** The reported value at a path such as `lamp.colour`, as this device holds it; all of it without a path. */
  get(path?: string): Json | undefined;
  /**
   * Reports a value at a path, or every value of an object: objects go into what is there, null takes away, anything else
   * replaces. It is sent when there is a connection. Resolves when it is on the device's disk, after at most
   * `shadow.save`, or in the cloud.
   *
   * @throws SHADOW_PATH; SHADOW_INVALID and SHADOW_TOO_LARGE for what no shadow can be; SHADOW_UNSAVED where the disk
   * refuses: it is reported all the same, for as long as the agent runs.
   */
  set(path: string, value: Json): Promise<void>;
  set(values: { [name: string]: Json }): Promise<void>;
  /** A named shadow beside the classic one. @throws SHADOW_NAME */
  named(name: string): Shadow;
  /**
   * What the cloud desires and the device does not report yet, told when it changes, at each connection, and at once where
   * it is known already; returns what ends the listening.
   */
  on(event: 'delta', listener: (delta: ShadowDelta) => void): () => void;
}

export interface ShadowDelta {
  state: Json;
  version: number;
}

/** Service `certificates`, as the connection to the cloud asks it. */
export interface Renewal {
  /** What the device is to connect with in place of what provision.json5 names, to prove that it can. */
  candidate(): Promise<{ certificate: string; key: string } | undefined>;
  /**
   * How the connection, or the attempt at one, ended; `proof` when it was made with the candidate. True: connect again at
   * once, with the other of the two.
   */
  ended(end: ConnectionEnd, proof: boolean): Promise<boolean>;
}

/** What has become of an update, or of the question for one. */
export type UpdateState =
  /** There is no other software for the device. */
  | { is: 'none' }
  /** How it ends is told by `update:ended`. */
  | { is: 'under-way'; version: string }
  /** Applied; or refused or failed, with the reason. */
  | ({ is: 'ended' } & AgentEvents['update:ended']);

/** An image that somebody has brought to the device. */
export interface LocalImage {
  /** Where it lies. It is copied, and stays. */
  path: string;
  /** As `1.2.3`. */
  version: string;
  /** The maker's, in base64, as `ioto-cloud update sign` prints it. */
  signature?: string;
}

/** Service `update`. */
export interface Updates {
  /**
   * Takes an image that was not fetched from a cloud, for who stands before the device: by the same signature and version as one
   * of the cloud, and at once, whatever `apply` and `schedule` say. Resolves when it is on the disk, and will be applied also
   * after a power cut; how that ends is told by `update:ended`.
   *
   * @throws UPDATE_UNSIGNED, UPDATE_SIGNATURE, UPDATE_DOWNGRADE, UPDATE_TOO_LARGE, UPDATE_OFFER, UPDATE_NO_ROOM, UPDATE_BUSY
   */
  install(image: LocalImage): Promise<void>;
  /** Asks the cloud at once, also for what has failed before. @throws when the cloud does not answer. */
  check(): Promise<UpdateState>;
  /** What has become of an update that an earlier run of the agent began; undefined where nothing is known of it. */
  found(version: string): Promise<UpdateState | undefined>;
}

/** The log of the program that the agent runs in, lent to it by the program. */
export interface ProgramLog {
  /** Least level that is written; may be set. */
  level: LogLevel;
  /** The last lines, oldest first, without their line feeds. */
  recent(): readonly string[];
  /** Hands `sink` the lines that are held, and every further one; returns what ends that. */
  attach(sink: (line: string) => void): () => void;
}
