import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Clock } from '@ioto/runtime';
import { webError } from '../errors.ts';

/** Bytes that must come in the time of `timeouts.body`. */
const PACE = 30 * 1024;
/** Looks at the pace in that time. */
const LOOKS = 4;

export interface IncomingBodyOptions {
  raw: IncomingMessage;
  /** Of the same exchange: a client that waits for it is told to go on. */
  response: ServerResponse;
  /** Bytes that are taken. */
  limit: number;
  /** Milliseconds in which 30k must come. */
  patience: number;
  clock: Clock;
}

/**
 * The bytes of a request's body, as they come. It fails with WEB_BODY_TOO_LARGE beyond its limit and with WEB_BODY_SLOW for
 * a client that sends too slowly, but not for a reader that takes too slowly; the exchange goes on, so that the
 * client can be told.
 */
export class IncomingBody extends Readable {
  readonly #options: IncomingBodyOptions;
  /** Milliseconds that the client may still be behind. */
  #credit: number;
  /** Bytes. */
  #came = 0;
  #seen = 0;
  #looked = 0;
  #cancel: (() => void) | undefined;
  #isBegun = false;

  constructor(options: IncomingBodyOptions) {
    super({ highWaterMark: 64 * 1024 });
    this.#options = options;
    this.#credit = options.patience;
  }

  override _read(): void {
    if (!this.#isBegun) this.#begin();
    this.#options.raw.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#cancel?.();
    const { raw } = this.#options;
    raw.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    // What still comes is for whoever ends the exchange.
    if (!raw.complete) raw.pause();
    callback(error);
  }

  #begin(): void {
    this.#isBegun = true;
    const { raw, response, clock } = this.#options;
    if (/^100-continue$/i.test(raw.headers.expect ?? '') && !response.headersSent) response.writeContinue();
    this.#looked = clock.now();
    if (!raw.complete) this.#lookLater();
    raw.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
    raw.on('error', () => undefined);
    if (raw.destroyed) this.#onClose();
  }

  readonly #onData = (piece: Buffer): void => {
    this.#came += piece.length;
    const { limit, raw } = this.#options;
    if (this.#came > limit) {
      this.destroy(tooLarge(limit));
      return;
    }
    if (!this.push(piece)) raw.pause();
  };

  readonly #onEnd = (): void => {
    this.#cancel?.();
    this.push(null);
  };

  readonly #onClose = (): void => {
    // What had come, but was not read yet, went along with its connection, though all of it had.
    if (!this.#options.raw.readableEnded) this.destroy(clientGone());
  };

  #lookLater(): void {
    const { clock, patience } = this.#options;
    // For ever.
    if (!Number.isFinite(patience)) return;
    this.#cancel = clock.after(patience / LOOKS, () => this.#look(), { unref: true });
  }

  /** Each byte that came gives back its time; a reader that keeps the client waiting stops the time. */
  #look(): void {
    const { clock, patience, raw } = this.#options;
    const now = clock.now();
    const spent = raw.isPaused() ? 0 : now - this.#looked;
    const earned = ((this.#came - this.#seen) / PACE) * patience;
    this.#looked = now;
    this.#seen = this.#came;
    this.#credit = Math.min(patience, this.#credit + earned) - spent;
    if (this.#credit > 0) this.#lookLater();
    else this.destroy(webError('WEB_BODY_SLOW', 'the body comes too slowly'));
  }
}

export function tooLarge(limit: number): Error {
  return webError('WEB_BODY_TOO_LARGE', `the body may have ${limit} bytes`);
}

/** Nobody is left to be told. */
function clientGone(): Error {
  return Object.assign(new Error('the client went before its body was whole'), {
    code: 'ERR_STREAM_PREMATURE_CLOSE',
  });
}
