import { lookup } from 'node:dns/promises';
import * as net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { CodedError } from '@ioto/runtime';
import { type ListenAddress, listenFailed } from '../front-door/listen-address.ts';
import type { ListenHandle } from './worker-messages.ts';

/** A handle of Node's for a TCP socket. */
interface TcpHandle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

/**
 * How `node:cluster` makes the sockets that its workers share: bound, and not listened on, so that whoever holds it takes
 * no connections. A `net.Server` would take some in the core.
 */
const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle?(address: string, port: number, family: 4 | 6): TcpHandle | number;
};

/** A socket that worker processes take connections from; the core holds it for those to come. */
export class SharedListener {
  readonly port: number;
  readonly address: ListenAddress;
  readonly #handle: TcpHandle;

  private constructor(address: ListenAddress, port: number, handle: TcpHandle) {
    this.address = address;
    this.port = port;
    this.#handle = handle;
  }

  /** @throws LISTEN_FAILED naming the address, WORKERS_UNSUPPORTED. */
  static async bind(wanted: ListenAddress): Promise<SharedListener> {
    if (!createServerHandle)
      throw new CodedError(
        'WORKERS_UNSUPPORTED',
        `Node ${process.version} shares no sockets: use --workers 0`,
      );
    const { address, family } = await lookup(wanted.host).catch((error) => {
      throw listenFailed(wanted, error);
    });
    const handle = createServerHandle(address, wanted.port, family === 6 ? 6 : 4);
    if (typeof handle === 'number') throw listenFailed(wanted, systemError(handle));
    const found: { port?: number } = {};
    // A port in use is told here, not when it was asked for.
    const code = handle.getsockname(found);
    if (code === 0 && found.port !== undefined) return new SharedListener(wanted, found.port, handle);
    handle.close();
    throw listenFailed(wanted, systemError(code));
  }

  /** What a worker listens on. */
  get handle(): ListenHandle {
    return this.#handle as unknown as ListenHandle;
  }

  /** Workers that have it keep it. */
  close(): void {
    this.#handle.close();
  }
}

function systemError(code: number): Error {
  const name = getSystemErrorName(code);
  return Object.assign(new Error(`bind ${name}`), { code: name });
}
