import type { LossReason, Salvaged } from '@ioto/database';
import type { EventMap } from '@ioto/runtime';
import type { Json } from './service-apis.ts';

/** Where the claim ID came from at this start. */
export type IdSource = 'options' | 'file' | 'generated' | 'factory' | 'command';

/** Facts of the device certificate that are safe to show. */
export interface CertificateFacts {
  /** Distinguished name, e.g. `CN=JT08FFQXWQ`. */
  subject: string;
  issuer: string;
  serialNumber: string;
  /** SHA-256 of the certificate, hexadecimal with colons. */
  fingerprint: string;
  /** ISO time. */
  validFrom: string;
  /** ISO time. */
  expires: string;
}

/**
 * What an agent tells. Names are the contract's; besides these, every Command that is not the agent's own is raised as
 * `device:command:NAME`.
 */
export interface AgentEvents extends EventMap {
  /** The device has its claim ID. */
  'device:serialized': { id: string; product?: string; source: IdSource };
  /** The database was damaged and was opened with what could be read; what was lost, and where the damaged files lie. */
  'database:salvaged': Salvaged;
  /** The web server accepts connections at these URLs. */
  'web:listening': { addresses: string[] };
  /** Somebody has signed in to the web server, from this address. */
  'web:signed-in': { username: string; role: string; address: string };
  /** Wrong passwords, so many since the last time that it was told: at most once a minute for each client. */
  'web:sign-in-failed': { address: string; count: number };
  /** Every local service runs; nothing of the cloud is needed for this. */
  'local:ready': { id?: string };
  /** The builder knows the device. Raised after the first register call of a start, or after a release, that succeeded. */
  'device:registered': { id: string; product?: string; builder: string; claimed: boolean };
  /** Not claimed yet. `retryIn` is in milliseconds; with `polling` a long poll is open instead, so a claim shows at once. */
  'device:waiting': { id: string; retryIn: number; polling: boolean };
  /** An account of a device cloud has the device. */
  'device:claimed': {
    id: string;
    accountId: string;
    api: string;
    cloudType?: string;
    cloudName?: string;
    cloudRegion?: string;
  };
  /** A certificate was issued and stored. Not raised for one that was stored at an earlier start. */
  'device:provisioned': {
    id: string;
    accountId: string;
    endpoint: string;
    port: number;
    certificate: CertificateFacts;
  };
  /** The device gave up its certificate and begins anew. */
  'device:released': { id: string; reason: 'message' | 'command' | 'unclaimed' };
  /** A step towards the cloud failed. `retryIn` is in milliseconds; `code` is stable. */
  'cloud:retry': {
    step: 'register' | 'provision' | 'connect' | 'confirm';
    code: string;
    message: string;
    retryIn: number;
  };
  'mqtt:connected': {
    endpoint: string;
    port: number;
    /** `TLSv1.3` or `TLSv1.2`. */
    tlsVersion: string;
    cipher: string;
    alpn: string | undefined;
    sessionPresent: boolean;
    certificate: CertificateFacts;
  };
  'mqtt:disconnected': { reason: string };
  /** The cloud asked for less. Outgoing data pauses for `pause` milliseconds. */
  'mqtt:throttled': { pause: number; close: boolean };
  /** The connection is there, but not all that a service needs of it: the endpoint refuses what it subscribes. */
  'service:unavailable': { service: string; code: string; message: string };
  /** The device's clock is off by so many milliseconds; what is dated goes by the cloud's from now on. 0: it is right again. */
  'clock:corrected': { difference: number };
  /** The cloud has these changes durably. */
  'sync:up': { seq: number; changes: { model: string; key: string }[] };
  /**
   * Changes of a model were given up before the cloud had them: the queue was full, or their items expired. `total` counts all of
   * the model so far. At most once a minute for each model and reason.
   */
  'sync:lost': { model: string; count: number; reason: LossReason; total: number };
  /** A change of this device that the cloud did not have yet lost against a newer version of the cloud's. */
  'sync:conflict': SyncConflict;
  /**
   * A model's items were compared with the cloud's. Of the items that were different, `sent` went up and `fetched` came
   * down; what they have in common did not travel.
   */
  'sync:checked': { model: string; differences: number; sent: number; fetched: number };
  /** An item of the cloud was applied. */
  'sync:down': {
    cmd: 'insert' | 'modify' | 'upsert' | 'remove';
    model: string;
    item: Record<string, unknown>;
  };
  /** Connected, and everything that changed in the cloud meanwhile has arrived. */
  'cloud:ready': { id: string; accountId: string; updated: string };
  /** The cloud desires what the device does not report; `name` is that of a named shadow. */
  'shadow:delta': { name?: string; state: Json; version: number };
  /** There are new credentials, until then (ISO time). */
  'keys:renewed': { region: string; expires: string };
  /**
   * Lines that nobody will see: dropped for want of room, too old to be taken, or gone with their file, of which only the
   * bytes are known. Times are ISO. At most once a minute for each source.
   */
  'logs:gap': { source: string; lines?: number; bytes?: number; from?: string; to?: string };
  /** The cloud does not take these lines; their source pauses, others go on. */
  'logs:refused': { group: string; stream: string; code: string; message: string };
  'job:started': { jobId: string; operation: string };
  'job:ended': {
    jobId: string;
    operation: string;
    status: 'SUCCEEDED' | 'FAILED' | 'REJECTED';
    reason?: string;
  };
  /** Another certificate has proven itself and taken the place of the old. */
  'certificate:renewed': {
    certificate: CertificateFacts;
    replaced: { serialNumber: string; expires: string };
  };
  /** The device goes on with the certificate that it has. `retryIn` is in milliseconds. */
  'certificate:renewal-failed': { code: string; message: string; retryIn: number };
  /** New software was downloaded and verified, and is about to be applied. A listener may see to that instead. */
  'device:update': UpdateOffer;
  /** Bytes so far, at most once a second. */
  'update:progress': { version: string; received: number; size: number };
  /** `code` says why it was not applied. */
  'update:ended': { version: string; outcome: 'applied' | 'failed'; code?: string; message?: string };
  /** New software was applied: the program is to end, and, with `restart`, to start again by itself. The embedder decides how. */
  'device:restart': { version: string; how: 'exit' | 'restart' };
  /** Every Command, once. */
  'device:command': DeviceCommand;
  [command: `device:command:${string}`]: DeviceCommand;
  /** A reboot Command; the embedder decides how. */
  'device:reboot': DeviceCommand;
}

export interface SyncConflict {
  model: string;
  /** The sort key. */
  key: string;
  /** The version that is held now; times are ISO. */
  kept: { updated: string; removed: boolean };
  lost: { updated: string; removed: boolean; item?: Record<string, unknown> };
}

export interface UpdateOffer {
  version: string;
  /** Absolute path of the image. */
  file: string;
  /** The agent leaves the image to the listener: neither runs `scripts.update`, nor restarts. */
  preventDefault(): void;
  /**
   * A listener that has prevented the default says that it has applied the image, or why it could not: then the image is offered
   * again later, up to three times. Until then, or the next start, the image stays, and no other update is taken.
   */
  finish(error?: Error): void;
}

export interface DeviceCommand {
  id: string;
  command: string;
  args: Record<string, unknown>;
}
