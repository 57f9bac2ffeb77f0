import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { sendRaw } from '@ioto/testkit/hostile/raw-client';
import { describe, expect, it } from 'vitest';
import { readyMessage, sendReady } from './ready-message.ts';

const BODY = Buffer.from('\x00\xff letters');
const HEAD = ['X-Made', 'by Node', 'Content-Length', String(BODY.length)];

/** Makes its answer to `/made`, gives `/late` after a moment, and all else from what was made, where it can. */
class ReadyServer {
  message: Buffer | undefined;
  /** Whether each of the others was sent ready. */
  readonly ready: boolean[] = [];
  readonly #server: Server;

  private constructor(body: Buffer, head: string[]) {
    this.#server = createServer((request, response) => {
      const make = () => response.writeHead(200, head).end(body);
      if (request.url === '/late') return setTimeout(make, 20);
      if (request.url === '/made') {
        make();
        this.message = readyMessage(response, body);
        return;
      }
      const sent = this.message !== undefined && sendReady(response, this.message);
      this.ready.push(sent);
      if (!sent) make();
    });
  }

  static async create(body = BODY, head = HEAD): Promise<ReadyServer> {
    const server = new ReadyServer(body, head);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set requestsOfConnection(most: number) {
    this.#server.maxRequestsPerSocket = most;
  }

  /** All that comes back for these requests, sent at once. */
  async ask(...requests: string[]): Promise<string> {
    const script = { writes: [Buffer.from(requests.join(''))], patience: 100 };
    return (await sendRaw({ port: this.port }, script)).received.toString('latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

describe('an answer that was made once', () => {
  it('is sent again byte for byte, as often as it is asked for', async () => {
    await using server = await ReadyServer.create();
    const made = await server.ask(get('/made'));
    expect(made.endsWith(BODY.toString('latin1'))).toBe(true);
    expect(await server.ask(get('/again'), get('/again'), get('/again'))).toBe(made.repeat(3));
    expect(server.ready).toEqual([true, true, true]);
  });

  it('waits for those before it', async () => {
    await using server = await ReadyServer.create();
    await server.ask(get('/made'));
    const said = await server.ask(get('/late'), get('/again'), get('/late'));
    expect(said.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
    expect(server.ready).toEqual([false]);
  });

  it('is not for a connection that ends with it', async () => {
    await using server = await ReadyServer.create();
    await server.ask(get('/made'));
    expect(await server.ask(get('/again', 'Connection: close\r\n'))).toContain('Connection: close');
    expect(await server.ask('GET /again HTTP/1.0\r\n\r\n')).toContain('Connection: close');
    server.requestsOfConnection = 2;
    expect(await server.ask(get('/again'), get('/again'))).toContain('Connection: close');
    expect(server.ready).toEqual([false, false, true, false]);
  });

  it('is not kept when it was the last of its connection, or is large', async () => {
    await using server = await ReadyServer.create();
    await server.ask(get('/made', 'Connection: close\r\n'));
    expect(server.message).toBeUndefined();
    const body = Buffer.alloc(20_000);
    await using large = await ReadyServer.create(body, ['Content-Length', String(body.length)]);
    await large.ask(get('/made'));
    expect(large.message).toBeUndefined();
  });

  it('is not piled up for a client that does not read', async () => {
    const body = Buffer.alloc(16_000);
    await using server = await ReadyServer.create(body, ['Content-Length', String(body.length)]);
    await server.ask(get('/made'));
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.pause();
    socket.write(get('/again').repeat(1000));
    await expect.poll(() => server.ready.includes(false)).toBe(true);
    socket.destroy();
  });
});
