import type { Readable } from 'node:stream';
import type { Json } from '../../service-apis.ts';

/** What the service `web` offers the program of a device. */
export interface Web {
  /** URLs that it accepts connections at; empty while it does not run. */
  readonly addresses: readonly string[];
  /**
   * Answers requests to a path, or to all below one that ends in a slash. May be called before the agent starts; returns
   * what takes the action away.
   *
   * @throws WEB_ACTION_PATH, WEB_ACTION_TAKEN
   */
  action(path: string, handler: ActionHandler): () => void;
  action(path: string, options: ActionOptions, handler: ActionHandler): () => void;
  /** Takes WebSockets at a path, by the same rules. */
  socket(path: string, handler: SocketHandler): () => void;
  socket(path: string, options: ActionOptions, handler: SocketHandler): () => void;
  /** @throws SERVICE_OFF, AGENT_NOT_READY */
  readonly users: WebUsers;
}

/** What an action asks for, beside what its route does. */
export interface ActionOptions {
  /** Methods that it answers. Default: those of its route, where that names some, else GET, HEAD and POST. */
  methods?: readonly string[];
  /** Role or ability that is needed. */
  role?: string;
  /** What changes something needs the token of the session. Default: where a role is needed. */
  xsrf?: boolean;
}

/**
 * Answers one request. What it returns is sent as JSON, unless it has answered by itself. An error with a `status` (a
 * `CodedError`) is told to the client with its code and message; any other is a 500 without a word of it.
 */
export type ActionHandler = (web: ActionContext) => unknown;

/** One request to an action, and its answer. */
export interface ActionContext {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  /** What of the path lies below that of the action. */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** The client's address. */
  readonly address: string;
  /** A header of the request by its name. */
  header(name: string): string | undefined;
  /** Who signed in. */
  readonly username: string | undefined;
  readonly role: string | undefined;
  /** Whether who asks has a role or ability. */
  may(role: string): boolean;
  /** The session of the browser, begun when it is first asked for. @throws WEB_BUSY */
  readonly session: ActionSession;
  readonly body: ActionBody;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Status of the answer. Default 200; 204 where nothing is returned. */
  status(code: number): this;
  /** A header of the answer. */
  set(name: string, value: string | readonly string[]): this;
  /** Answers with another place, which may be a path. */
  redirect(to: string, status?: number): void;
  /** Sends a piece of the answer; resolves when there is room for more. @throws when the client has gone */
  write(piece: string | Uint8Array): Promise<void>;
  /** Sends a stream, a text or bytes as the whole answer, or what is left of it. */
  send(body: Readable | string | Uint8Array, type?: string): Promise<void>;
  /** Makes the answer a stream of server-sent events. @throws WEB_BUSY */
  events(): EventStream;
  /** Signs the browser in, for who knows by other means who it is. @throws WEB_BUSY */
  signIn(username: string, role: string): void;
  signOut(): void;
}

export interface ActionSession {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  /** To be sent along, as X-XSRF-TOKEN or as the field `-xsrf-`, with what changes something. */
  readonly xsrf: string;
  end(): void;
}

export interface ActionBody {
  /** Media type without its parameters, in lower case. */
  readonly type: string;
  /** @throws WEB_BODY_TYPE, WEB_BODY_SYNTAX, WEB_BODY_TOO_LARGE */
  json(): Promise<Json>;
  form(): Promise<URLSearchParams>;
  text(): Promise<string>;
  bytes(): Promise<Buffer>;
  readonly stream: Readable;
  /** Fields and files of a multipart form, as they come. Files lie in `upload.dir` until the action ends. */
  uploads(): Promise<{ fields: URLSearchParams; files: readonly Upload[] }>;
}

/** A file that a client has sent. */
export interface Upload {
  /** Name of the form's field. */
  readonly field: string;
  /** As the client calls it, without directories: to be shown, not to be opened. */
  readonly name: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal SHA-256 of it. */
  readonly sha256: string;
  /** Where it lies until the action has ended. */
  readonly path: string;
  /** Keeps it, at another path. */
  moveTo(path: string): Promise<void>;
}

/** Server-sent events to one client. */
export interface EventStream {
  /** False: the client is slow, and takes no more until `drain`. An object is sent as JSON. */
  send(event: { event?: string; id?: string; data: unknown; retry?: number }): boolean;
  /** ID of the last event that the client has seen. */
  readonly lastId: string | undefined;
  onClose(listener: () => void): void;
  close(): void;
}

export type SocketHandler = (socket: WebSocketPeer) => unknown;

/** One WebSocket. */
export interface WebSocketPeer {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly username: string | undefined;
  readonly role: string | undefined;
  /** The subprotocol that was agreed on, or ''. */
  readonly protocol: string;
  /** False: the client is slow. What it does not take is kept up to `limits.buffer`; then it is closed. */
  send(message: string | Uint8Array): boolean;
  onMessage(listener: (message: string | Buffer) => void): void;
  onClose(listener: (code: number, reason: string) => void): void;
  close(code?: number, reason?: string): void;
}

/** The device's own users. */
export interface WebUsers {
  /** Without their passwords. */
  list(): Promise<readonly { username: string; role: string }[]>;
  /** Adds one, or changes password or role of one; its sessions end. @throws WEB_USER for a bad name, password or role */
  put(user: { username: string; password?: string; role?: string }): Promise<void>;
  remove(username: string): Promise<void>;
}
