import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { IssuedCertificate } from '../test-authority.ts';

/** What a server does with a connection, once TLS is up; `nth` counts from 0. */
export type Behaviour = (socket: TLSSocket, nth: number) => void;

/** A TLS server that behaves as badly as a test tells it to. Takes any ALPN and any client certificate, or none. */
export class TlsImpostor {
  /** Connections so far whose handshake was done. */
  connections = 0;
  /** May be changed at any time; it is asked once for each connection. */
  behave: Behaviour;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(identity: IssuedCertificate, behave: Behaviour) {
    this.behave = behave;
    this.#server = createServer(
      {
        cert: identity.certificate,
        key: identity.key,
        requestCert: true,
        rejectUnauthorized: false,
        ALPNCallback: ({ protocols }) => protocols[0],
      },
      (socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('data', () => undefined);
        this.connections += 1;
        this.behave(socket, this.connections - 1);
      },
    );
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(identity: IssuedCertificate, behave: Behaviour): Promise<TlsImpostor> {
    const impostor = new TlsImpostor(identity, behave);
    impostor.#server.listen(0, '127.0.0.1');
    await once(impostor.#server, 'listening');
    return impostor;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every standing connection. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
