import { once } from 'node:events';
import { type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { createServer, type Server, request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TestAuthority } from '../test-authority.ts';

/** A request that passed, as both sides saw it. */
export interface PassedCall {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  status?: number;
  answer?: string;
}

/** What becomes of one call. `lose-answer`: the server has done it, and the caller never learns. */
export type Fate =
  | 'pass'
  | 'lose-request'
  | 'lose-answer'
  | { status: number; body: string; headers?: Record<string, string> };

export interface HttpsFrontOptions {
  /** `https://HOST:PORT` of the real server. */
  target: string;
  /** PEM of the authority of the real server. */
  authority: string;
}

/**
 * A front that ends TLS before the real server, so that a test can lose exactly one answer. It writes its own address
 * for the server's into what passes, so that whoever is redirected comes back through it.
 */
export class HttpsFront {
  readonly calls: PassedCall[] = [];
  /** Decides each call's fate; everything passes by default. */
  fate: (call: PassedCall) => Fate = () => 'pass';
  /** PEM that clients of the front must trust, beside the server's own. */
  readonly authority: string;
  readonly #options: HttpsFrontOptions;
  readonly #server: Server;

  private constructor(options: HttpsFrontOptions, authority: string, certificate: string, key: string) {
    this.#options = options;
    this.authority = authority;
    this.#server = createServer({ cert: certificate, key }, (request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(options: HttpsFrontOptions): Promise<HttpsFront> {
    const authority = await TestAuthority.create('CN=Front');
    const { certificate, key } = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
    const front = new HttpsFront(options, authority.certificate, certificate, key);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  /** `https://localhost:PORT` */
  get origin(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call: PassedCall = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: await readAll(request),
    };
    this.calls.push(call);
    const fate = this.fate(call);
    if (fate === 'lose-request') {
      request.socket.destroy();
    } else if (typeof fate === 'object') {
      response.writeHead(fate.status, fate.headers).end(fate.body);
    } else {
      const { status, headers, body } = await this.#forward(call, request);
      call.status = status;
      call.answer = body;
      if (fate === 'lose-answer') request.socket.destroy();
      else response.writeHead(status, headers).end(body);
    }
  }

  async #forward({ method, path, headers, body }: PassedCall, caller: IncomingMessage) {
    const { target, authority } = this.#options;
    const send = target.startsWith('https:') ? tlsRequest : plainRequest;
    const { connection: _hop, ...kept } = headers;
    const outgoing = send(new URL(path, target), { method, headers: kept, ca: authority, agent: false });
    caller.socket.once('close', () => outgoing.destroy());
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const text = (await readAll(answer)).replaceAll(new URL(target).origin, this.origin);
    const { 'transfer-encoding': _coding, connection: _answerHop, ...rest } = answer.headers;
    return {
      status: answer.statusCode ?? 0,
      headers: { ...rest, 'content-length': String(Buffer.byteLength(text)) },
      body: text,
    };
  }
}

async function readAll(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
