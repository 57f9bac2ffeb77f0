import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

/** A way to a port on this machine that counts what goes there. */
export class CountingProxy implements AsyncDisposable {
  /** Bytes on their way to the port so far. */
  sent = 0;
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer({ noDelay: true }, (client) => {
      const target = connect({ port, host: '127.0.0.1', noDelay: true });
      client.on('data', (chunk) => {
        this.sent += chunk.length;
      });
      client.pipe(target).pipe(client);
      for (const [one, other] of [
        [client, target],
        [target, client],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
  }

  static async start(port: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
  }
}
