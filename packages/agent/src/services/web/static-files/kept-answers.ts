import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@ioto/runtime';
import { sendReady } from './ready-message.ts';

/**
 * Milliseconds for which an answer is given without another look at its file. Looking each time costs several times as much as
 * the answer itself.
 */
export const ANSWER_LIFE = 1000;
/** Milliseconds after which one request looks at the file again, so that not all that are under way do when the life is over. */
export const LOOK_AHEAD = 800;
/** Answers that are kept. */
const MOST = 1024;
/** Bytes of the messages and targets of all answers together, which nothing else holds. */
const MOST_READY = 512 * 1024;

/** A whole answer of a public file to a GET without conditions. */
export interface KeptAnswer {
  /** Names and values in turn, as `writeHead` takes them fastest. */
  headers: string[];
  body: Buffer;
  /** All of it as it goes over the line, for a connection that stays. */
  message?: Buffer | undefined;
}

interface Kept extends KeptAnswer {
  since: number;
  /** A request was sent to look at the file. */
  looked: boolean;
}

/**
 * Whole answers by request target, for the shortest way from a request to its file. Only targets whose files were found, and
 * that anybody may have, come in.
 */
export class KeptAnswers {
  readonly #clock: Clock;
  readonly #maxRaw: number;
  readonly #mostBodies: number;
  readonly #answers = new Map<string, Kept>();
  #ready = 0;
  #bodies = 0;

  /**
   * `maxHeaders`: header lines of a request that is answered here; `bodies`: bytes of all files together, which the cache may
   * have let go of meanwhile.
   */
  constructor(clock: Clock, { maxHeaders, bodies }: { maxHeaders: number; bodies: number }) {
    this.#clock = clock;
    this.#maxRaw = maxHeaders * 2;
    this.#mostBodies = bodies;
  }

  keep(target: string, answer: KeptAnswer): void {
    const { headers, body, message } = answer;
    const before = this.#answers.get(target);
    if (before) this.#count(target, before, -1);
    this.#answers.delete(target);
    this.#count(target, answer, 1);
    const { size } = this.#answers;
    if (size >= MOST || this.#ready > MOST_READY || this.#bodies > this.#mostBodies) {
      this.forget();
      this.#count(target, answer, 1);
    }
    this.#answers.set(target, { headers, body, message, since: this.#clock.now(), looked: false });
  }

  /** Something of the site was written. */
  forget(): void {
    this.#answers.clear();
    this.#ready = 0;
    this.#bodies = 0;
  }

  #count(target: string, { body, message }: KeptAnswer, sign: 1 | -1): void {
    this.#ready += sign * (target.length + (message?.length ?? 0));
    this.#bodies += sign * body.length;
  }

  /** Answers, where that can be done at once; false: not answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const kept = request.method === 'GET' ? this.#answers.get(request.url ?? '') : undefined;
    const { rawHeaders } = request;
    if (!kept || rawHeaders.length > this.#maxRaw || !isPlain(rawHeaders)) return false;
    const age = this.#clock.now() - kept.since;
    if (age < 0 || age >= ANSWER_LIFE) return false;
    if (age >= LOOK_AHEAD && !kept.looked) {
      kept.looked = true;
      return false;
    }
    if (kept.message && sendReady(response, kept.message)) return true;
    response.writeHead(200, kept.headers);
    response.end(kept.body);
    return true;
  }
}

/** Asks for the file as it is: no condition, no part of it, and nothing that a server has to look at twice. */
function isPlain(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    switch (name.length) {
      case 4: // host
        if ((name.charCodeAt(0) | 0x20) === 0x68 && ++hosts > 1) return false;
        break;
      case 5: // range
        if ((name.charCodeAt(0) | 0x20) === 0x72) return false;
        break;
      case 6: // expect
        if ((name.charCodeAt(0) | 0x20) === 0x65) return false;
        break;
      case 14: // content-length
        if ((name.charCodeAt(0) | 0x20) === 0x63) return false;
        break;
      case 17: // transfer-encoding, if-modified-since
        if ((name.charCodeAt(0) | 0x20) === 0x74) return false;
        break;
      default:
    }
    // if-match, if-none-match, if-range, if-modified-since, if-unmodified-since
    if ((name.charCodeAt(0) | 0x20) === 0x69 && (name.charCodeAt(1) | 0x20) === 0x66) return false;
  }
  return true;
}
