import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Json } from '../../../service-apis.ts';
import { webError } from '../errors.ts';

export interface BodyLimits {
  /** Bytes of a body that uploads no files. */
  body: number;
  /** Bytes of one file. */
  upload: number;
}

/** The body of a request, read when it is asked for, once. */
export class Body {
  readonly #raw: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limits: BodyLimits;
  #bytes: Promise<Buffer> | undefined;

  constructor(raw: IncomingMessage, response: ServerResponse, limits: BodyLimits) {
    this.#raw = raw;
    this.#response = response;
    this.#limits = limits;
  }

  /** Media type without its parameters, in lower case; empty when none is said. */
  get type(): string {
    return (this.#raw.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  }

  /** As it comes; for who reads it, no limit holds but those of time. */
  get stream(): Readable {
    return this.#raw;
  }

  /** @throws WEB_BODY_TOO_LARGE */
  bytes(): Promise<Buffer> {
    this.#bytes ??= this.#read();
    return this.#bytes;
  }

  /** @throws as `bytes` does; WEB_BODY_SYNTAX for what is not UTF-8. */
  async text(): Promise<string> {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(await this.bytes());
    } catch (error) {
      if (error instanceof TypeError) throw webError('WEB_BODY_SYNTAX', 'the body is no text of UTF-8');
      throw error;
    }
  }

  /** @throws as `text` does; WEB_BODY_TYPE for another media type; WEB_BODY_SYNTAX */
  async json(): Promise<Json> {
    if (this.type !== 'application/json' && !this.type.endsWith('+json')) {
      throw webError('WEB_BODY_TYPE', 'the body must be application/json');
    }
    const text = await this.text();
    try {
      return JSON.parse(text) as Json;
    } catch {
      throw webError('WEB_BODY_SYNTAX', 'the body is no JSON');
    }
  }

  /** Fields of a form, first ones first. @throws as `text` does; WEB_BODY_TYPE for another media type */
  async form(): Promise<URLSearchParams> {
    if (this.type !== 'application/x-www-form-urlencoded') {
      throw webError('WEB_BODY_TYPE', 'the body must be a form (application/x-www-form-urlencoded)');
    }
    return new URLSearchParams(await this.text());
  }

  async #read(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this.#raw as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > this.#limits.body) throw this.#tooLarge();
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  #tooLarge(): Error {
    // What is left of it would be read as the next request.
    if (!this.#response.headersSent) this.#response.setHeader('connection', 'close');
    return webError('WEB_BODY_TOO_LARGE', `the body may have ${this.#limits.body} bytes`);
  }
}
