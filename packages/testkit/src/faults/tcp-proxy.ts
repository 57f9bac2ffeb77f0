import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  client: Socket;
  target: Socket;
  /** Bytes of the answer that have passed. */
  answered: number;
}

/** What the way to a server does to those who take it. */
export type Weather =
  | { kind: 'fine' }
  /** Every byte comes later by `ms` milliseconds. */
  | { kind: 'slow'; ms: number }
  /** Connections stay open and nothing passes, as behind a dead NAT. */
  | { kind: 'stalled' }
  /** Connections are reset at once. */
  | { kind: 'cut' }
  /** The answer breaks off after so many bytes, and both ends are reset. */
  | { kind: 'answers-cut'; after: number };

/** A TCP proxy on loopback with weather. A change of weather also meets the connections that stand. */
export class TcpProxy {
  /** Connections accepted so far. */
  accepted = 0;
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  #weather: Weather = { kind: 'fine' };

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#onClient(client));
  }

  static async start(target: { host?: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host: '127.0.0.1', ...target });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    for (const pair of this.#pairs) {
      pair.answered = 0;
      if (weather.kind === 'cut') reset(pair);
      else if (weather.kind !== 'stalled') resume(pair);
    }
  }

  /** Resets every standing connection; new ones pass as the weather is. */
  resetAll(): void {
    for (const pair of this.#pairs) reset(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resetAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onClient(client: Socket): void {
    this.accepted += 1;
    const target = connect(this.#target);
    const pair = { client, target, answered: 0 };
    this.#pairs.add(pair);
    if (this.#weather.kind === 'cut') reset(pair);
    this.#pipe(pair, client, target);
    this.#pipe(pair, target, client);
    client.resume();
  }

  #pipe(pair: Pair, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('error', () => reset(pair));
    from.on('data', (chunk) => this.#carry(pair, from, to, chunk));
    from.on('end', () => to.end());
    from.on('close', () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }

  #carry(pair: Pair, from: Socket, to: Socket, chunk: Buffer): void {
    const weather = this.#weather;
    switch (weather.kind) {
      case 'fine':
        to.write(chunk);
        break;
      case 'slow':
        setTimeout(() => to.write(chunk), weather.ms);
        break;
      case 'stalled':
        from.pause();
        from.unshift(chunk);
        break;
      case 'answers-cut':
        this.#carryCut(pair, from, to, chunk, weather.after);
        break;
      case 'cut':
        reset(pair);
    }
  }

  #carryCut(pair: Pair, from: Socket, to: Socket, chunk: Buffer, after: number): void {
    if (from === pair.client) {
      to.write(chunk);
      return;
    }
    const left = after - pair.answered;
    pair.answered += chunk.length;
    if (chunk.length <= left) to.write(chunk);
    else to.write(chunk.subarray(0, Math.max(0, left)), () => reset(pair));
  }
}

function reset({ client, target }: Pair): void {
  client.resetAndDestroy();
  target.resetAndDestroy();
}

function resume({ client, target }: Pair): void {
  client.resume();
  target.resume();
}
