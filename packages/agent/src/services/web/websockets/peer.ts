import type { Socket } from 'node:net';
import { CodedError, messageOf } from '@ioto/runtime';
import type { WebSocket } from 'ws';
import type { Action } from '../actions/action-table.ts';
import type { Identity } from '../auth/gate.ts';
import { may } from '../auth/roles.ts';
import { type EndReason, MOST_WAITING } from '../lasting.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Session } from '../sessions/session-table.ts';
import type { SocketHandler, WebSocketPeer } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';
import { FrameLengths } from './frame-lengths.ts';

/** Pings that a peer may leave unanswered. */
const MOST_UNANSWERED = 2;
/** Bytes of the reason of a close: a control frame has 125, and the code takes two (RFC 6455 §5.5). */
const LONGEST_REASON = 123;

/** What a socket is closed with (RFC 6455 §7.4.1, and IANA's 1013). */
const CLOSE = { normal: 1000, goingAway: 1001, policy: 1008, tooBig: 1009, failed: 1011, tryLater: 1013 };

export interface PeerParts {
  context: WebContext;
  ws: WebSocket;
  socket: Socket;
  request: WebRequest;
  identity: Identity | undefined;
  /** The socket ends with it. */
  session: Session | undefined;
  action: Action;
}

/** One WebSocket, as its handler sees it. */
export class Peer implements WebSocketPeer {
  readonly #parts: PeerParts;
  readonly #onMessage: ((message: string | Buffer) => unknown)[] = [];
  readonly #onClose: ((code: number, reason: string) => unknown)[] = [];
  #query: URLSearchParams | undefined;
  #unanswered = 0;
  /** Reasons not to read on: the handler is not ready yet, and messages that are being dealt with. */
  #holds = 0;
  #isReady = false;
  #closed: { code: number; reason: string } | undefined;
  #stopPings = () => {};
  #drained: Promise<void> | undefined;

  constructor(parts: PeerParts) {
    this.#parts = parts;
  }

  get path(): string {
    return this.#parts.request.path;
  }

  get rest(): string {
    return this.path.slice(this.#parts.action.path.length);
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#parts.request.query);
    return this.#query;
  }

  get address(): string {
    return this.#parts.request.address;
  }

  get username(): string | undefined {
    return this.#parts.identity?.username;
  }

  get role(): string | undefined {
    return this.#parts.identity?.role;
  }

  may(role: string): boolean {
    const own = this.role;
    return own !== undefined && may(this.#parts.context.roles, own, role);
  }

  get protocol(): string {
    return this.#parts.ws.protocol;
  }

  get isOpen(): boolean {
    const { ws } = this.#parts;
    return ws.readyState === ws.OPEN;
  }

  send(message: string | Uint8Array): boolean {
    const { ws, socket, context } = this.#parts;
    if (!this.#isAllowed()) return false;
    const { buffer } = context.web.limits;
    if (socket.writableLength > MOST_WAITING * buffer) {
      this.#end(CLOSE.tryLater, 'too slow');
      return false;
    }
    ws.send(message, { binary: typeof message !== 'string' });
    return socket.writableLength <= buffer;
  }

  drained(): Promise<void> {
    const { socket } = this.#parts;
    if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
    this.#drained ??= new Promise((resolve) => {
      const settle = () => {
        socket.off('drain', settle).off('close', settle);
        this.#drained = undefined;
        resolve();
      };
      socket.on('drain', settle).on('close', settle);
    });
    return this.#drained;
  }

  onMessage(listener: (message: string | Buffer) => unknown): void {
    this.#onMessage.push(listener);
    this.#ready();
  }

  onClose(listener: (code: number, reason: string) => unknown): void {
    const closed = this.#closed;
    if (closed) queueMicrotask(() => this.#call(() => listener(closed.code, closed.reason)));
    else this.#onClose.push(listener);
  }

  close(code = CLOSE.normal, reason = ''): void {
    const isOne =
      (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code < 5000);
    if (!Number.isInteger(code) || !isOne || Buffer.byteLength(reason) > LONGEST_REASON) {
      throw new CodedError(
        'WEB_SOCKET_CLOSE',
        `a socket is not closed with ${code} and ${Buffer.byteLength(reason)} bytes of reason: 1000, 1001, 3000 to 4999, and up to ${LONGEST_REASON} bytes`,
      );
    }
    this.#end(code, reason);
  }

  /** Hands the socket to its handler. */
  begin(handler: SocketHandler): void {
    const { ws, socket, context } = this.#parts;
    const { maxFrame, maxMessage } = context.web.limits;
    // It is silent as long as it likes; who is there is found out by pings.
    socket.setTimeout(0);
    ws.on('message', (data, isBinary) => this.#received(isBinary ? (data as Buffer) : data.toString()));
    ws.on('ping', (data) => this.#pinged(data));
    ws.on('pong', () => {
      this.#unanswered = 0;
    });
    ws.on('close', (code, reason) => this.#ended(code, reason.toString()));
    // What a peer does wrong closes it, by its code; that is all there is to say about it.
    ws.on('error', () => undefined);
    this.#hold();
    if (maxFrame < maxMessage) {
      const lengths = new FrameLengths(maxFrame);
      socket.prependListener('data', (piece: Buffer) => {
        if (this.isOpen && lengths.isExceededBy(piece)) this.#end(CLOSE.tooBig, 'frame too big');
      });
    }
    this.#ping();
    this.#call(
      () => handler(this),
      () => this.#ready(),
    );
  }

  stop(why: EndReason): void {
    if (why === 'stop') this.#end(CLOSE.goingAway, 'the device stops');
    else this.#overSession();
  }

  #received(message: string | Buffer): void {
    if (!this.#isAllowed()) return;
    // What a user does here is a use of the session as any request is.
    const { context, request, session } = this.#parts;
    if (session) context.sessions.find(request);
    this.#unanswered = 0;
    for (const listener of this.#onMessage) this.#call(() => listener(message), undefined, true);
  }

  /** Pongs may fill the memory as well as anything else that a peer does not read. */
  #pinged(data: Buffer): void {
    const { ws, socket, context } = this.#parts;
    if (socket.writableLength > MOST_WAITING * context.web.limits.buffer) ws.terminate();
    else if (this.isOpen) ws.pong(data);
  }

  #ping(): void {
    const { ws, context } = this.#parts;
    const { ping } = context.web.webSockets;
    if (!Number.isFinite(ping)) return;
    this.#stopPings = context.clock.after(
      ping,
      () => {
        if (!this.#isAllowed()) return;
        this.#ready();
        // Nothing is read, and so no answer either, while messages are dealt with.
        if (this.#holds === 0) {
          if (this.#unanswered >= MOST_UNANSWERED) return ws.terminate();
          this.#unanswered += 1;
          ws.ping();
        }
        this.#ping();
      },
      { unref: true },
    );
  }

  /** False where it is closed; and where its session is over, which closes it. */
  #isAllowed(): boolean {
    const { context, session } = this.#parts;
    if (!this.isOpen) return false;
    if (!session || context.sessions.holds(session)) return true;
    this.#overSession();
    return false;
  }

  #overSession(): void {
    this.#end(CLOSE.policy, 'the session is over');
  }

  #end(code: number, reason: string): void {
    const { ws } = this.#parts;
    if (!this.isOpen) return;
    ws.close(code, reason);
    // The peer's own word is waited for.
    ws.resume();
  }

  #ended(code: number, reason: string): void {
    this.#stopPings();
    this.#closed = { code, reason };
    for (const listener of this.#onClose) this.#call(() => listener(code, reason));
  }

  /** Calls what the program gave; what goes wrong in it ends this socket, and nothing else. */
  #call(call: () => unknown, after: () => void = () => {}, holds = false): void {
    const failed = (error: unknown) => {
      const { context, request } = this.#parts;
      context.logger.warn({ path: request.path, error: messageOf(error) }, 'a handler of a WebSocket failed');
      this.#end(CLOSE.failed, 'something went wrong');
    };
    try {
      const result = call() as PromiseLike<unknown> | undefined;
      if (typeof result?.then === 'function') {
        if (holds) this.#hold();
        const settled = holds ? () => this.#release() : after;
        Promise.resolve(result).catch(failed).then(settled);
      } else after();
    } catch (error) {
      failed(error);
    }
  }

  #ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#release();
  }

  #hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#parts.ws.pause();
  }

  #release(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#parts.ws.resume();
  }
}
