import { chmodSync, closeSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { CodedError, type Component, type Logger, messageOf, systemCode } from '@ioto/runtime';

/** Bytes that a unix socket's address takes at most, its final zero included (unix(7): sun_path is 108 on Linux, 104 on BSD). */
const LONGEST_ADDRESS = 104;
/** A request is one word and a line feed. */
const LONGEST_REQUEST = 64;
/** Milliseconds that a client may take. */
const PATIENCE = 2000;

const NAME = 'control.sock';

/** An address of the socket that fits, and what to give back when it is not used any more. */
interface Address {
  path: string;
  release(): void;
}

/**
 * `STATE/control.sock`, or, where that is too long for a socket's address, the same file by way of an open directory.
 *
 * @throws CONTROL_PATH where the system has no such way.
 */
function addressIn(state: string): Address {
  const path = join(state, NAME);
  if (Buffer.byteLength(path) < LONGEST_ADDRESS) return { path, release: () => undefined };
  if (process.platform !== 'linux') {
    throw new CodedError('CONTROL_PATH', `${path} is too long for a socket: choose a shorter --state`);
  }
  const directory = openSync(state, 'r');
  return { path: `/proc/self/fd/${directory}/${NAME}`, release: () => closeSync(directory) };
}

/** Lets other programs of the same user reach this agent. Only the holder of the state directory's lock starts it. */
export class ControlSocket implements Component {
  readonly name = 'control';
  readonly #state: string;
  readonly #logger: Logger;
  readonly #actions: Readonly<Record<string, () => void>>;
  #server: Server | undefined;
  #address: Address | undefined;

  /** `actions` by the word that asks for them. */
  constructor(state: string, actions: Readonly<Record<string, () => void>>, logger: Logger) {
    this.#state = state;
    this.#actions = actions;
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
      this.#logger.warn({ error: messageOf(error) }, 'no control socket: ioto wake cannot reach this agent');
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    this.#address?.release();
    this.#address = undefined;
  }

  #listen(path: string): Promise<Server> {
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = 8;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve(server));
    });
  }

  #serve(socket: Socket): void {
    let request = '';
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text: string) => {
      request += text;
      const word = /^([a-z]+)\n/.exec(request)?.[1];
      const action =
        word !== undefined && Object.hasOwn(this.#actions, word) ? this.#actions[word] : undefined;
      if (word === undefined && request.length < LONGEST_REQUEST) return;
      action?.();
      socket.end(action ? 'ok\n' : 'unknown\n');
    });
  }
}

/**
 * Asks the agent that runs on a state directory for an action.
 *
 * @throws CONTROL_NONE when none runs there; CONTROL_REFUSED when it does not know the action.
 */
export async function askAgent(state: string, action: string): Promise<void> {
  const address = addressOrNone(state);
  try {
    const answer = await exchange(address.path, `${action}\n`, state);
    if (answer !== 'ok\n') throw new CodedError('CONTROL_REFUSED', `the agent does not know ${action}`);
  } finally {
    address.release();
  }
}

function addressOrNone(state: string): Address {
  try {
    return addressIn(state);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw none(state, error);
    throw error;
  }
}

function exchange(path: string, request: string, state: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.write(request));
    const fail = (error?: unknown) => {
      socket.destroy();
      reject(none(state, error));
    };
    socket.setTimeout(PATIENCE, fail);
    socket.on('error', fail);
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(answer);
    });
  });
}

function none(state: string, cause: unknown): CodedError {
  return new CodedError('CONTROL_NONE', `no agent runs on the state directory ${state}`, { cause });
}
