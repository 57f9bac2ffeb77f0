import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { expandPath } from '../../../config-loading/directories.ts';
import type { Json } from '../../../service-apis.ts';
import { webError } from '../errors.ts';
import type { ReceivedForm } from '../uploads/receive-form.ts';
import type { Place, StoredFile } from '../uploads/stored-file.ts';
import { roomOnDisk } from '../uploads/upload-place.ts';
import type { ActionBody } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';
import { parseContentType } from './content-type.ts';
import { IncomingBody, tooLarge } from './incoming-body.ts';
import { parseJson } from './json-text.ts';

/** Fields of a form. */
const MOST_FIELDS = 1000;

export interface BodyLimits {
  /** Bytes of a body that uploads no files. */
  body: number;
  /** Bytes of one file. */
  upload: number;
}

export interface BodyParts {
  raw: IncomingMessage;
  response: ServerResponse;
  limits: BodyLimits;
  context: WebContext;
}

/** The body of a request, read when it is asked for, once. */
export class Body implements ActionBody {
  readonly #parts: BodyParts;
  #incoming: IncomingBody | undefined;
  #bytes: Promise<Buffer> | undefined;
  #uploads: Promise<ReceivedForm> | undefined;
  #stored: Promise<StoredFile> | undefined;
  #json: { value: Json } | undefined;
  #form: URLSearchParams | undefined;

  constructor(parts: BodyParts) {
    this.#parts = parts;
  }

  /** Media type without its parameters, in lower case; empty when none is said. */
  get type(): string {
    return parseContentType(this.#parts.raw.headers['content-type']).type;
  }

  /** As it comes; for who reads it, no limit holds but those of time. @throws when it has been read otherwise */
  get stream(): Readable {
    return this.#open(Number.POSITIVE_INFINITY);
  }

  /** All of it, within `limits.body`. @throws WEB_BODY_TOO_LARGE, WEB_BODY_SLOW, WEB_BODY_TYPE for one that is compressed */
  bytes(): Promise<Buffer> {
    this.#bytes ??= quietly(this.#read());
    return this.#bytes;
  }

  /** @throws as `bytes` does; WEB_BODY_TYPE for another charset than UTF-8, WEB_BODY_SYNTAX for what is none */
  async text(): Promise<string> {
    const charset = this.#parameter('charset')?.toLowerCase() ?? 'utf-8';
    if (!['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
      throw webError('WEB_BODY_TYPE', 'the body must be a text of UTF-8');
    }
    const bytes = await this.bytes();
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw webError('WEB_BODY_SYNTAX', 'the body is no text of UTF-8');
    }
  }

  /** @throws as `text` does; WEB_BODY_TYPE for another media type; WEB_BODY_SYNTAX */
  async json(): Promise<Json> {
    const { type } = this;
    if (type !== 'application/json' && !/^[\w.-]+\/[\w.-]+\+json$/.test(type)) {
      throw webError('WEB_BODY_TYPE', 'the body must be application/json');
    }
    const text = await this.text();
    this.#json ??= { value: parseJson(text) };
    return this.#json.value;
  }

  /** From now on its JSON is another: what a signature has left of it. */
  clean(value: unknown): void {
    this.#json = { value: value as Json };
  }

  /** @throws as `text` does; WEB_BODY_TYPE for another media type; WEB_BODY_TOO_LARGE for too many fields */
  async form(): Promise<URLSearchParams> {
    if (this.type !== 'application/x-www-form-urlencoded') {
      throw webError('WEB_BODY_TYPE', 'the body must be a form (application/x-www-form-urlencoded)');
    }
    const text = await this.text();
    this.#form ??= new URLSearchParams(text);
    const fields = this.#form;
    if (fields.size > MOST_FIELDS) {
      throw webError('WEB_BODY_TOO_LARGE', `the form may have ${MOST_FIELDS} fields`);
    }
    return fields;
  }

  /**
   * Fields and files of a form of multipart/form-data; the files lie in `upload.dir` until `end`.
   *
   * @throws as `bytes` does, by the limits of uploads; WEB_BODY_TYPE for another media type; WEB_BODY_SYNTAX; WEB_DISK_FULL
   */
  uploads(): Promise<ReceivedForm> {
    this.#uploads ??= quietly(this.#receive());
    return this.#uploads;
  }

  /**
   * All of it, whatever it is, as a file in `upload.dir`: for who moves it elsewhere before `end`.
   *
   * @throws as `bytes` does, by `limits.upload`; WEB_DISK_FULL
   */
  store(): Promise<StoredFile> {
    this.#stored ??= quietly(this.#store());
    return this.#stored;
  }

  /** Whoever answers has ended: what is on its way is given up, and files that were not kept are removed. Never throws. */
  async end(): Promise<void> {
    this.#incoming?.destroy();
    const stored = await this.#stored?.catch(() => undefined);
    if (stored) await rm(stored.path, { force: true }).catch(() => undefined);
    if (!this.#uploads || !this.#parts.context.web.upload.remove) return;
    const received = await this.#uploads.catch(() => undefined);
    await received?.discard();
  }

  async #read(): Promise<Buffer> {
    const incoming = this.#openPlain(this.#parts.limits.body);
    const pieces: Buffer[] = [];
    for await (const piece of incoming as AsyncIterable<Buffer>) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async #receive(): Promise<ReceivedForm> {
    const { limits, context, raw } = this.#parts;
    const { type } = this;
    if (type !== 'multipart/form-data') {
      throw webError('WEB_BODY_TYPE', 'the body must be a form with files (multipart/form-data)');
    }
    const boundary = this.#parameter('boundary') ?? '';
    // RFC 2046 §5.1.1
    if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) {
      throw webError('WEB_BODY_SYNTAX', 'the form needs a boundary of up to 70 characters');
    }
    const incoming = this.#openPlain(limits.upload + limits.body);
    const { receiveForm } = await import('../uploads/receive-form.ts');
    return receiveForm({
      ...{ incoming, boundary, place: placeOf(context, raw) },
      limits: { body: limits.body, upload: limits.upload, uploads: context.web.limits.uploads },
    });
  }

  async #store(): Promise<StoredFile> {
    const { limits, context, raw } = this.#parts;
    const incoming = this.#openPlain(limits.upload);
    const { storeFile } = await import('../uploads/stored-file.ts');
    return storeFile(incoming, placeOf(context, raw));
  }

  #openPlain(limit: number): IncomingBody {
    const coding = this.#parts.raw.headers['content-encoding'];
    if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') {
      throw webError('WEB_BODY_TYPE', 'the body must not be compressed');
    }
    return this.#open(limit);
  }

  #open(limit: number): IncomingBody {
    if (this.#incoming) {
      if (limit === Number.POSITIVE_INFINITY) return this.#incoming;
      throw new Error('the body of a request can be read in one way only');
    }
    const { raw, response, context } = this.#parts;
    // Before a byte of it is read, and before a client that asks is told to go on.
    if (Number(raw.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
    const { clock, web } = context;
    this.#incoming = new IncomingBody({ raw, response, limit, clock, patience: web.timeouts.body });
    return this.#incoming;
  }

  #parameter(name: string): string | undefined {
    return parseContentType(this.#parts.raw.headers['content-type']).parameters.get(name);
  }
}

/** Where its files go meanwhile. */
function placeOf({ web, directories, room }: WebContext, { headers }: IncomingMessage): Place {
  return {
    directory: expandPath(web.upload.dir, directories),
    roomOf: room ?? roomOnDisk,
    announced: Number(headers['content-length'] ?? 0),
  };
}

/** A body that a program asks for and then forgets is no reason to end it. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
