import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { CodedError } from '@ioto/runtime';
import { webError } from '../errors.ts';
import type { Upload } from '../web-api.ts';
import { baseNameOf } from './client-name.ts';
import { moveDurably, type Place, type StoredFile, storeFile } from './stored-file.ts';

const MOST_FIELDS = 100;
/** Characters of a field's name. */
const LONGEST_NAME = 256;
/** Bytes of the headers of a part. */
const PART_HEADER = 8 * 1024;
const PART_HEADERS = 32;

export interface ReceiveOptions {
  incoming: Readable;
  boundary: string;
  place: Place;
  limits: {
    /** Bytes of all fields together. */
    body: number;
    /** Bytes of one file. */
    upload: number;
    /** Files. */
    uploads: number;
  };
}

export interface ReceivedForm {
  fields: URLSearchParams;
  files: readonly Upload[];
  /** Removes the files that were not moved. */
  discard(): Promise<void>;
}

/**
 * Receives a form of multipart/form-data (RFC 7578), its files into `upload.dir`. When it fails, nothing of it is left.
 *
 * @throws WEB_BODY_SYNTAX, WEB_BODY_TOO_LARGE, WEB_DISK_FULL; what `incoming` throws
 */
export async function receiveForm(options: ReceiveOptions): Promise<ReceivedForm> {
  const reception = new Reception(options);
  try {
    return await reception.run();
  } catch (error) {
    await reception.discard();
    throw error;
  }
}

class Reception {
  readonly #options: ReceiveOptions;
  readonly #parser: BusboyInstance;
  readonly #fields = new URLSearchParams();
  readonly #files: Promise<KeptUpload | undefined>[] = [];
  readonly #open = new Set<Readable>();
  #characters = 0;
  #failure: Error | undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    const { boundary, limits } = options;
    this.#parser = new Busboy({
      headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
      limits: {
        ...{ fields: MOST_FIELDS, files: limits.uploads, parts: MOST_FIELDS + limits.uploads },
        ...{ fieldSize: limits.body, fileSize: limits.upload },
        ...{ headerPairs: PART_HEADERS, headerSize: PART_HEADER },
      },
    });
  }

  async run(): Promise<ReceivedForm> {
    try {
      await this.#parse();
    } finally {
      // Those that the parser will not end would be waited for without an end.
      for (const file of this.#open) file.destroy(this.#failure);
      await Promise.allSettled(this.#files);
    }
    const files = (await Promise.all(this.#files)).filter((file) => file !== undefined);
    return { fields: this.#fields, files, discard: () => this.discard() };
  }

  async discard(): Promise<void> {
    for (const result of await Promise.allSettled(this.#files)) {
      if (result.status === 'fulfilled') await result.value?.discard();
    }
  }

  #parse(): Promise<void> {
    const { incoming, limits } = this.#options;
    const parser = this.#parser;
    return new Promise((resolve, reject) => {
      this.#fail = (error) => {
        this.#failure ??= error;
        incoming.unpipe(parser).destroy();
        reject(this.#failure);
      };
      parser.on('file', (field, file, name, _encoding, type) => this.#file(field, file, name, type));
      parser.on('field', (name, value, _nameCut, isCut) => this.#field(name, value, isCut));
      const tooMany = (what: string, most: number) => () =>
        this.#fail(webError('WEB_BODY_TOO_LARGE', `the form may have ${most} ${what}`));
      parser.on('filesLimit', tooMany('files', limits.uploads));
      parser.on('fieldsLimit', tooMany('fields', MOST_FIELDS));
      parser.on('partsLimit', tooMany('parts', MOST_FIELDS + limits.uploads));
      parser.on('error', () => this.#fail(bad('the form ends too early, or is none')));
      parser.on('finish', () => resolve());
      incoming.on('error', (error) => this.#fail(error));
      incoming.pipe(parser);
    });
  }

  #field(name: string | undefined, value: string, isCut: boolean): void {
    this.#characters += (name?.length ?? 0) + value.length;
    const { body } = this.#options.limits;
    if (isCut || this.#characters > body) {
      this.#fail(webError('WEB_BODY_TOO_LARGE', `the fields of the form may have ${body} bytes`));
    } else if (!isName(name)) this.#fail(badName());
    else this.#fields.append(name, value);
  }

  #file(field: string | undefined, file: Readable, name: string | undefined, type: string): void {
    const { upload } = this.#options.limits;
    // The parser emits its own errors on it, also after it was given up.
    file.on('error', () => undefined);
    if (!isName(field)) {
      this.#fail(badName());
      return;
    }
    this.#open.add(file);
    file.once('close', () => this.#open.delete(file));
    file.once('limit', () => {
      this.#fail(webError('WEB_BODY_TOO_LARGE', `a file may have ${upload} bytes`));
    });
    const stored = this.#store(file, { field, type, name: name ?? '' });
    stored.catch((error: CodedError) => this.#fail(error));
    this.#files.push(stored);
  }

  async #store(
    pieces: Readable,
    told: { field: string; name: string; type: string },
  ): Promise<KeptUpload | undefined> {
    const stored = await storeFile(pieces, this.#options.place);
    const kept = new KeptUpload(stored, told);
    // What browsers send for a field where no file was chosen.
    if (told.name !== '' || stored.size > 0) return kept;
    await kept.discard();
    return undefined;
  }
}

class KeptUpload implements Upload {
  readonly field: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
  #path: string;
  #isMoved = false;

  constructor(stored: StoredFile, told: { field: string; name: string; type: string }) {
    this.field = told.field;
    this.name = baseNameOf(told.name);
    this.type = told.type;
    this.size = stored.size;
    this.sha256 = stored.sha256;
    this.#path = stored.path;
  }

  get path(): string {
    return this.#path;
  }

  async moveTo(path: string): Promise<void> {
    const target = resolve(path);
    await moveDurably(this.#path, target);
    this.#path = target;
    this.#isMoved = true;
  }

  async discard(): Promise<void> {
    if (!this.#isMoved) await rm(this.#path, { force: true }).catch(() => undefined);
  }
}

function isName(name: string | undefined): name is string {
  return name !== undefined && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name);
}

function badName(): Error {
  return bad(`a field of the form has no name, or one that is none of up to ${LONGEST_NAME} characters`);
}

function bad(message: string): Error {
  return webError('WEB_BODY_SYNTAX', message);
}
