import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { TestAuthority } from '../test-authority.ts';

/** One MQTT connection as the tiny cloud sees it: raw frames in, raw bytes out. */
export interface TinyConnection {
  socket: TLSSocket;
  frames: Buffer[];
  closed: boolean;
}

/** Just enough of a cloud to see what bytes an old agent sends: scripted HTTP answers, and MQTT without any manners. */
export class TinyCloud {
  readonly requests: string[] = [];
  /** Answers in order; the last one repeats. */
  answers: string[] = [];
  readonly connections: TinyConnection[] = [];
  /** Called with every frame; by default CONNECT gets CONNACK 0 and nothing else gets an answer. */
  onFrame: (frame: Buffer, connection: TinyConnection) => void = (frame, { socket }) => {
    if (frame[0] === 0x10) socket.write(Buffer.from([0x20, 2, 0, 0]));
  };
  readonly authority: TestAuthority;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #builder = '';
  #mqttPort = 0;

  private constructor(authority: TestAuthority) {
    this.authority = authority;
  }

  static async start(): Promise<TinyCloud> {
    const cloud = new TinyCloud(await TestAuthority.create());
    const server = await cloud.authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
    const http = createTcpServer((socket) => cloud.#onHttp(socket));
    const mqtt = createTlsServer(
      {
        key: server.key,
        cert: server.certificate,
        ca: cloud.authority.certificate,
        requestCert: true,
        ALPNProtocols: ['x-amzn-mqtt-ca'],
      },
      (socket) => cloud.#onMqtt(socket),
    );
    cloud.#builder = `http://127.0.0.1:${await cloud.#listen(http)}/api`;
    cloud.#mqttPort = await cloud.#listen(mqtt);
    return cloud;
  }

  get builder(): string {
    return this.#builder;
  }

  get mqttPort(): number {
    return this.#mqttPort;
  }

  /** The latest connection. */
  get connection(): TinyConnection {
    const latest = this.connections.at(-1);
    if (!latest) throw new Error('no MQTT connection yet');
    return latest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  #onHttp(socket: Socket): void {
    this.#sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk;
      const length = Number(/Content-Length: (\d+)/.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
      if (text.length < text.indexOf('\r\n\r\n') + 4 + length) return;
      this.requests.push(text);
      const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
      if (answer === undefined) socket.destroy();
      else socket.write(answer);
    });
  }

  #onMqtt(socket: TLSSocket): void {
    this.#sockets.add(socket);
    const connection: TinyConnection = { socket, frames: [], closed: false };
    this.connections.push(connection);
    let rest = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connection.closed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let size = frameSize(rest); size > 0 && rest.length >= size; size = frameSize(rest)) {
        const frame = rest.subarray(0, size);
        rest = rest.subarray(size);
        connection.frames.push(frame);
        this.onFrame(frame, connection);
      }
    });
  }
}

/** An HTTP answer with a JSON body, or with a plain text. */
export function httpAnswer(status: number, body: object | string): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return `HTTP/1.1 ${status} X\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

function frameSize(bytes: Buffer): number {
  let length = 0;
  for (let index = 1; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    length += (byte & 0x7f) << (7 * (index - 1));
    if (!(byte & 0x80)) return index + 1 + length;
  }
  return 0;
}
