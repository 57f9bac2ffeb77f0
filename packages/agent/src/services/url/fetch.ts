import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

export interface UrlRequest {
  /** Default GET, or POST with `json` or `body`. */
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Sent as JSON with its Content-Type. */
  json?: unknown;
  /**
   * Milliseconds for the whole exchange; with `stream`, until the head of the answer, and with `onData` also from one
   * piece to the next. Default 30 s.
   */
  timeout?: number;
  /** PEM of the authorities to trust instead of the configured ones. */
  ca?: string | string[];
  /** PEM of the client certificate, with what leads to its authority, and of its private key. */
  cert?: string;
  key?: string;
  /** ALPN protocol to offer, such as `x-amzn-http-ca`. */
  alpn?: string;
  /** Hands the body over as it comes, without a limit on its size. */
  stream?: boolean;
  /**
   * Takes the body piece by piece, without a limit on its size; the next is read when its promise resolves, and what it
   * throws ends the exchange. Not called for an answer whose status is not 2xx, which is read as any other.
   */
  onData?(piece: Buffer): void | Promise<void>;
  /** Longest body in bytes that is read. Default 1 MiB. */
  limit?: number;
  signal?: AbortSignal;
}

export interface UrlAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Empty with `stream`, and when `onData` has taken it. */
  body: Buffer;
  /** Present with `stream`; must be read to its end, or destroyed. */
  stream?: Readable;
  text(): string;
  /** @throws URL_BODY when the body is no JSON. */
  json(): unknown;
}

/** @throws URL_BAD, URL_TIMEOUT, URL_TOO_LARGE, URL_UNREACHABLE. Any status is an answer, not an error. */
export type UrlFetch = (url: string, request?: UrlRequest) => Promise<UrlAnswer>;
