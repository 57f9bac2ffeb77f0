import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { CodedError, type Component, type Logger, messageOf } from '@ioto/runtime';
import { type Address, addressIn, NAME } from './address.ts';

/** An action is asked for by one word and a line feed. */
const LONGEST_WORD = 64;
/** Characters of a request, which is an object of JSON and a line feed. */
const LONGEST_REQUEST = 2 * 1024 * 1024;
/** Requests that are answered at a time; those beyond are told so, and connections beyond that many are closed. */
const MOST_ANSWERED = 8;
const MOST_CONNECTIONS = 2 * MOST_ANSWERED;
/** Milliseconds that a client may take until it has said what it wants, and between two steps of taking its answer. */
const PATIENCE = 2000;
const READING_PATIENCE = 30_000;

/** Answers a request by rows, as many as there are: the next is asked for when the client has taken the one before. */
export type RequestHandler = (request: Readonly<Record<string, unknown>>) => AsyncIterable<object>;

/**
 * Lets other programs of the same user reach this agent. Only the holder of the state directory's lock starts it.
 *
 * A client says one line. A word asks for an action, and is answered with `ok` or `unknown`. An object of JSON asks what its
 * `do` names; it is answered with lines of JSON: any number of `{ "row": … }`, and then `{ "end": true }` or
 * `{ "error": { "code", "message", "details" } }`.
 */
export class ControlSocket implements Component {
  readonly name = 'control';
  readonly #state: string;
  readonly #logger: Logger;
  readonly #actions: Readonly<Record<string, () => void>>;
  readonly #requests: Readonly<Record<string, RequestHandler>>;
  readonly #sockets = new Set<Socket>();
  #answered = 0;
  #server: Server | undefined;
  #address: Address | undefined;

  /** `actions` by the word that asks for them, `requests` by their `do`. */
  constructor(
    state: string,
    actions: Readonly<Record<string, () => void>>,
    logger: Logger,
    requests: Readonly<Record<string, RequestHandler>> = {},
  ) {
    this.#state = state;
    this.#actions = actions;
    this.#requests = requests;
    this.#logger = logger;
  }

  /** A device without a control socket works all the same, so that a failure is a warning. */
  async start(): Promise<void> {
    try {
      this.#address = addressIn(this.#state);
      // What a killed agent left behind; the lock says that no other lives.
      rmSync(join(this.#state, NAME), { force: true });
      this.#server = await this.#listen(this.#address.path);
      chmodSync(join(this.#state, NAME), 0o600);
    } catch (error) {
      const message = 'no control socket: ioto wake and ioto db cannot reach this agent while it runs';
      this.#logger.warn({ error: messageOf(error) }, message);
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // Who is in the middle of a long answer must not hold up the end of the agent.
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    this.#address?.release();
    this.#address = undefined;
  }

  #listen(path: string): Promise<Server> {
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = MOST_CONNECTIONS;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve(server));
    });
  }

  #serve(socket: Socket): void {
    let request = '';
    let isServed = false;
    this.#sockets.add(socket);
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setEncoding('utf8').on('data', (text: string) => {
      if (isServed) return;
      request += text;
      const end = request.indexOf('\n');
      const longest = request.startsWith('{') ? LONGEST_REQUEST : LONGEST_WORD;
      if (end < 0 && request.length < longest) return;
      isServed = true;
      const line = request.slice(0, end < 0 ? longest : end);
      if (line.startsWith('{')) void this.#answer(socket, line);
      else socket.end(this.#act(line) ? 'ok\n' : 'unknown\n');
    });
  }

  #act(word: string): boolean {
    const action = Object.hasOwn(this.#actions, word) ? this.#actions[word] : undefined;
    action?.();
    return action !== undefined;
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    socket.setTimeout(READING_PATIENCE);
    // One for the whole answer: each wait for room would otherwise leave its listeners on the socket.
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    this.#answered += 1;
    try {
      if (this.#answered > MOST_ANSWERED) throw busy();
      for await (const row of this.#rowsFor(line)) {
        if (socket.destroyed) return;
        const hasRoom = socket.write(`${JSON.stringify({ row })}\n`);
        if (!hasRoom) await once(socket, 'drain', { signal: gone.signal });
      }
      socket.end('{"end":true}\n');
    } catch (error) {
      if (socket.destroyed) return;
      const { code, details } =
        error instanceof CodedError ? error : { code: 'CONTROL_FAILED', details: undefined };
      socket.end(`${JSON.stringify({ error: { code, message: messageOf(error), details } })}\n`);
    } finally {
      this.#answered -= 1;
    }
  }

  #rowsFor(line: string): AsyncIterable<object> {
    const request = parseRequest(line);
    const name = String(request.do);
    const handler = Object.hasOwn(this.#requests, name) ? this.#requests[name] : undefined;
    if (handler) return handler(request);
    throw new CodedError('CONTROL_REFUSED', `the agent does not know ${JSON.stringify(name.slice(0, 64))}`);
  }
}

function busy(): CodedError {
  const message = `the agent answers ${MOST_ANSWERED} programs already: try again when one of them is done`;
  return new CodedError('CONTROL_BUSY', message, { retryable: true });
}

function parseRequest(line: string): Readonly<Record<string, unknown>> {
  if (line.length >= LONGEST_REQUEST) {
    const message = `a running agent takes no request of ${LONGEST_REQUEST} characters or more: stop it, and try again`;
    throw new CodedError('CONTROL_TOO_LARGE', message);
  }
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (cause) {
    throw new CodedError('CONTROL_REFUSED', 'the request is no JSON', { cause });
  }
}
