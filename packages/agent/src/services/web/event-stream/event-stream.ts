import type { ServerResponse } from 'node:http';
import { messageOf } from '@ioto/runtime';
import type { Answer } from '../actions/answer.ts';
import { tooMany } from '../errors.ts';
import { MOST_WAITING } from '../lasting.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { Session } from '../sessions/session-table.ts';
import type { EventStream } from '../web-api.ts';
import type { WebContext } from '../web-context.ts';
import { formatEvent, type ServerSentEvent } from './event-format.ts';

export interface EventStreamParts {
  context: WebContext;
  request: WebRequest;
  response: ServerResponse;
  /** The stream ends with it. */
  session: Session | undefined;
  username: string | undefined;
  answer: Answer;
}

/** Begins a stream of events. @throws WEB_BUSY */
export function openEventStream(parts: EventStreamParts): EventStream {
  const stream = new Events(parts);
  stream.begin();
  return stream;
}

class Events implements EventStream {
  readonly #parts: EventStreamParts;
  readonly #listeners: (() => void)[] = [];
  #isOpen = false;
  #stopBeating = () => {};
  #letGo = () => {};

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
  }

  begin(): void {
    const { context, request, response, answer } = this.#parts;
    const { session, username } = this.#parts;
    const letGo = context.lasting.admit({ session, username, end: () => this.close() });
    if (!letGo) throw tooMany('streams');
    this.#letGo = letGo;
    this.#isOpen = !answer.isGone;
    response.once('close', () => this.#closed());
    answer.begin('text/event-stream');
    answer.take();
    if (!this.#isOpen || request.method === 'HEAD') {
      this.close();
      return;
    }
    // It is silent as long as it likes; who is there is found out by the beats.
    request.raw.socket.setTimeout(0);
    response.flushHeaders();
    this.#beat();
  }

  get lastId(): string | undefined {
    return this.#parts.request.header('last-event-id');
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(event: ServerSentEvent): boolean {
    const text = formatEvent(event);
    return this.#isAllowed() && this.#write(text);
  }

  drained(): Promise<void> {
    return this.#parts.answer.roomAgain().catch(() => undefined);
  }

  onClose(listener: () => void): void {
    if (this.#isOpen) this.#listeners.push(listener);
    else queueMicrotask(() => this.#call(listener));
  }

  close(): void {
    if (!this.#parts.response.writableEnded) this.#parts.response.end();
    this.#closed();
  }

  /** False where it is closed; and where its session is over, which closes it. */
  #isAllowed(): boolean {
    const { context, session } = this.#parts;
    if (this.#isOpen && session && !context.sessions.holds(session)) this.close();
    return this.#isOpen;
  }

  #write(text: string): boolean {
    const { response, context } = this.#parts;
    const { buffer } = context.web.limits;
    if (response.writableLength > MOST_WAITING * buffer) {
      response.destroy();
      this.#closed();
      return false;
    }
    return response.write(text) || response.writableLength <= buffer;
  }

  /** Proxies end what is silent, and a client that has vanished without a word is noticed by writing alone. */
  #beat(): void {
    const { context } = this.#parts;
    const { ping } = context.web.webSockets;
    if (!Number.isFinite(ping)) return;
    this.#stopBeating = context.clock.after(
      ping,
      () => {
        if (this.#isAllowed()) this.#write(':\n\n');
        if (this.#isOpen) this.#beat();
      },
      { unref: true },
    );
  }

  #closed(): void {
    this.#letGo();
    this.#stopBeating();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const listener of this.#listeners) this.#call(listener);
  }

  #call(listener: () => unknown): void {
    const failed = (error: unknown) =>
      this.#parts.context.logger.warn({ error: messageOf(error) }, 'a listener of an event stream failed');
    try {
      Promise.resolve(listener()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
