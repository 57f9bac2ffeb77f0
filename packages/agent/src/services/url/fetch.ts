import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

export interface UrlRequest {
  /** Default GET, or POST with `json` or `body`. */
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Sent as JSON with its Content-Type. */
  json?: unknown;
  /** Milliseconds for the whole exchange; with `stream`, until the head of the answer. Default 30 s. */
  timeout?: number;
  /** PEM of the authorities to trust instead of the configured ones. */
  ca?: string | string[];
  /** Hands the body over as it comes, without a limit on its size. */
  stream?: boolean;
  /** Longest body in bytes that is read. Default 1 MiB. */
  limit?: number;
  signal?: AbortSignal;
}

export interface UrlAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Empty with `stream`. */
  body: Buffer;
  /** Present with `stream`; must be read to its end, or destroyed. */
  stream?: Readable;
  text(): string;
  /** @throws URL_BODY when the body is no JSON. */
  json(): unknown;
}

/** @throws URL_BAD, URL_TIMEOUT, URL_TOO_LARGE, URL_UNREACHABLE. Any status is an answer, not an error. */
export type UrlFetch = (url: string, request?: UrlRequest) => Promise<UrlAnswer>;
