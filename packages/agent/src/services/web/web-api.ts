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
   * @throws WEB_ACTION_PATH, WEB_ACTION_OPTIONS, WEB_ACTION_TAKEN
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
  /**
   * The session of the browser, begun when it is first asked for, which must be before the answer is.
   *
   * @throws WEB_BUSY, WEB_SESSIONS_OFF, WEB_ANSWERED
   */
  readonly session: ActionSession;
  readonly body: ActionBody;
  /** Aborted when the client has gone, or nobody waits for the answer any longer (`timeouts.request`). */
  readonly signal: AbortSignal;
  /** Status of the answer. Default 200; 204 where nothing is returned. @throws WEB_ANSWER, WEB_ANSWERED */
  status(code: number): this;
  /** A header of the answer, in place of one of the server's. @throws WEB_ANSWER, WEB_ANSWERED */
  set(name: string, value: string | readonly string[]): this;
  /** Answers with another place, which may be a path. Default 302, and 303 after what changes something. */
  redirect(to: string, status?: number): void;
  /**
   * Sends a piece of the answer; resolves when there is room for more. The answer ends with the handler.
   *
   * @throws WEB_GONE when the client has gone
   */
  write(piece: string | Uint8Array): Promise<void>;
  /** Sends a stream, a text or bytes as the whole answer, or what is left of it. @throws WEB_GONE */
  send(body: Readable | string | Uint8Array, type?: string): Promise<void>;
  /** Makes the answer a stream of server-sent events, which lasts beyond the handler. @throws WEB_BUSY */
  events(): EventStream;
  /**
   * Signs the browser in, for who knows by other means who it is.
   *
   * @throws WEB_BUSY, WEB_ROLE_UNKNOWN, WEB_SESSIONS_OFF, WEB_ANSWERED
   */
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

/** Server-sent events to one client. It ends with the session that it was begun in, and with the password and role of its user. */
export interface EventStream {
  /**
   * Sends an event; what is no text is sent as JSON. False: it is closed, or the client is slow, and more than `limits.buffer`
   * waits for it. At four times as much it is dropped.
   *
   * @throws WEB_EVENT
   */
  send(event: { event?: string; id?: string; data?: unknown; retry?: number }): boolean;
  /** Resolves when what waited has gone out, or the stream is closed. */
  drained(): Promise<void>;
  readonly isOpen: boolean;
  /** ID of the last event that the client has seen. */
  readonly lastId: string | undefined;
  onClose(listener: () => void): void;
  close(): void;
}

export type SocketHandler = (socket: WebSocketPeer) => unknown;

/**
 * One WebSocket. It ends with the session that it was begun in, and with the password and role of its user (1008), and with code
 * 1011 when its handler or a listener fails.
 */
export interface WebSocketPeer {
  readonly path: string;
  /** What of the path lies below that of the action. */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** The client's address. */
  readonly address: string;
  readonly username: string | undefined;
  readonly role: string | undefined;
  /** Whether who asks has a role or ability. */
  may(role: string): boolean;
  /** The subprotocol that was agreed on, or ''. */
  readonly protocol: string;
  readonly isOpen: boolean;
  /**
   * Sends a message. False: it is closed, or the client is slow, and more than `limits.buffer` waits for it. At four times as
   * much it is closed, with code 1013.
   */
  send(message: string | Uint8Array): boolean;
  /** Resolves when what waited has gone out, or the socket is closed. */
  drained(): Promise<void>;
  /** Texts as texts, all else as bytes. No further message is read while a promise that a listener returned is pending. */
  onMessage(listener: (message: string | Buffer) => unknown): void;
  onClose(listener: (code: number, reason: string) => unknown): void;
  /** @throws WEB_SOCKET_CLOSE for a code that is not to be sent, or a reason of more than 123 bytes */
  close(code?: number, reason?: string): void;
}

/** The device's own users. */
export interface WebUsers {
  /** Without their passwords. */
  list(): Promise<readonly { username: string; role: string }[]>;
  /**
   * Adds one, or changes password or role of one; its sessions, sockets and streams end. A user who changed its own password by a
   * page is signed in again by `signIn` of that action.
   *
   * @throws WEB_USER for a bad name, password or role; WEB_LAST_USER where nobody would be left who may as much
   */
  put(user: { username: string; password?: string; role?: string }): Promise<void>;
  /**
   * Whether this is the user's password: for a page where one changes it. Counts as an attempt of the client at `address`, which is
   * the action's.
   *
   * @throws WEB_ATTEMPTS, WEB_BUSY
   */
  verify(username: string, password: string, address: string): Promise<boolean>;
  /**
   * Takes one away, and ends its sessions, sockets and streams. With the last one the device is as it was sold: whoever comes first
   * sets a password, unless `auth.setup` says otherwise.
   *
   * @throws WEB_USER for one of the configuration, or that there is not; WEB_LAST_USER as for `put`, while there are others
   */
  remove(username: string): Promise<void>;
}
