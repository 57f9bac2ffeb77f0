import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '@ioto/runtime';

/** Milliseconds that the replay waits for an answer. */
const TIMEOUT = 60_000;

export interface HttpCall {
  /** `https://…` or `http://…`; an Ioto agent takes either. */
  url: string;
  bearer: string;
  body: string;
  /** PEM of the authorities trusted for HTTPS. */
  authority?: string;
}

export interface HttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: Map<string, string>;
  body: string;
}

/** The request as an Ioto 3.0 agent writes it: exactly four headers, `bearer` in lower case. */
export function requestBytes({ url, bearer, body }: HttpCall): Buffer {
  const { host, pathname, search } = new URL(url);
  const head = [
    `POST ${pathname}${search} HTTP/1.1`,
    `Authorization: bearer ${bearer}`,
    'Content-Type: application/json',
    `Host: ${host}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Sends one request over a connection of its own, without ALPN, in one write.
 *
 * @throws whatever the socket fails with, or an error that says in what the answer is no HTTP/1.1.
 */
export function callHttp(call: HttpCall, clock: Clock, signal?: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = openSocket(call);
    let received = Buffer.alloc(0);
    const finish = (outcome: () => void) => {
      cancelTimeout();
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      outcome();
    };
    const onAbort = () => finish(() => reject(signal?.reason));
    const cancelTimeout = clock.after(TIMEOUT, () => finish(() => reject(new Error('no answer in 60 s'))));
    const take = (ended: boolean) => {
      try {
        const answer = parseAnswer(received, ended);
        if (answer) finish(() => resolve(answer));
        else if (ended) throw new Error('the connection closed before the answer was whole');
      } catch (error) {
        finish(() => reject(error));
      }
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      take(false);
    });
    socket.on('end', () => take(true));
    socket.on('close', () => take(true));
    socket.once(call.url.startsWith('https:') ? 'secureConnect' : 'connect', () =>
      socket.write(requestBytes(call)),
    );
  });
}

function openSocket({ url, authority }: HttpCall): Socket {
  const { protocol, hostname, port } = new URL(url);
  if (protocol === 'http:') return connectTcp({ host: hostname, port: Number(port || 80) });
  return connectTls({ host: hostname, port: Number(port || 443), servername: hostname, ca: authority });
}

/** The answer once it is whole, by Content-Length, chunks or the end of the connection. */
export function parseAnswer(bytes: Buffer, ended: boolean): HttpAnswer | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new Error(`no HTTP/1.1 status line: ${statusLine.slice(0, 60)}`);
  const headers = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const rest = bytes.subarray(headEnd + 4);
  const body = parseBody(rest, headers, ended);
  return body && { status, headers, body: body.toString('utf8') };
}

function parseBody(rest: Buffer, headers: Map<string, string>, ended: boolean): Buffer | undefined {
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return parseChunks(rest);
  const length = headers.get('content-length');
  if (length === undefined) return ended ? rest : undefined;
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined;
}

function parseChunks(rest: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error('a chunk without a size');
    if (rest.length < lineEnd + 2 + size + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
