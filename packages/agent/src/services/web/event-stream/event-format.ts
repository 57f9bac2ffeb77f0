import { CodedError } from '@ioto/runtime';

export interface ServerSentEvent {
  event?: string;
  id?: string;
  data?: unknown;
  /** Milliseconds after which the browser comes again when the connection has broken. */
  retry?: number;
}

/**
 * An event as it goes over the wire (HTML Living Standard §9.2.5). Data that is no text is sent as JSON; each line of it has
 * its own field.
 *
 * @throws WEB_EVENT for what the format cannot say.
 */
export function formatEvent({ event, id, data, retry }: ServerSentEvent): string {
  let text = '';
  if (retry !== undefined) {
    if (!Number.isInteger(retry) || retry < 0) throw bad('retry', 'is no whole number of milliseconds');
    text += `retry: ${retry}\n`;
  }
  if (event !== undefined) text += `event: ${oneLine('event', event)}\n`;
  if (id !== undefined) text += `id: ${oneLine('id', id)}\n`;
  if (data !== undefined) {
    const written = typeof data === 'string' ? data : JSON.stringify(data);
    if (written === undefined) throw bad('data', `(a ${typeof data}) is no JSON`);
    for (const line of written.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  }
  return `${text}\n`;
}

function oneLine(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw bad(name, 'has a line break or a zero byte');
  return value;
}

function bad(name: string, problem: string): Error {
  return new CodedError('WEB_EVENT', `the ${name} of an event ${problem}`);
}
