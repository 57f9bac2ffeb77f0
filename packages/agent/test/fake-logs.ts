import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@ioto/runtime';
import type { AwsFetch } from '../src/service-apis.ts';
import { UrlService } from '../src/services/url/service.ts';

interface LogEvent {
  timestamp: number;
  message: string;
}

export interface Put {
  stream: string;
  events: LogEvent[];
}

type Answer = { status: number; body: object } | 'cut off' | undefined;

const MOST_BYTES = 1_048_576;
const DAY = 86_400_000;

/** As much of CloudWatch Logs as the agent's own tests need, over HTTP and as strict as the real one about what it is sent. */
export class FakeLogs {
  /** What was put, in order. */
  readonly puts: Put[] = [];
  readonly groups = new Set<string>();
  /** `group/stream` */
  readonly streams = new Set<string>();
  readonly operations: string[] = [];
  /** Asked before anything is done; what it returns is the answer. */
  intercept: (operation: string, input: Record<string, unknown>) => Answer = () => undefined;
  /** The answer to a put is lost after it was done. */
  losesAnswer = false;
  #origin = '';
  readonly #url = new UrlService({
    clock: systemClock,
    authority: undefined,
    timeout: 5000,
    limit: 1024 * 1024,
  });
  readonly #server = createServer((request, response) => {
    void body(request).then((bytes) => {
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      this.operations.push(operation);
      const answer = this.#answer(operation, bytes);
      if (answer === 'cut off' || this.losesAnswer) request.socket.destroy();
      else response.writeHead(answer.status).end(JSON.stringify(answer.body));
    });
  });

  static async create(): Promise<FakeLogs> {
    const logs = new FakeLogs();
    await new Promise<void>((resolve) => logs.#server.listen(0, '127.0.0.1', resolve));
    logs.#origin = `http://127.0.0.1:${(logs.#server.address() as AddressInfo).port}`;
    return logs;
  }

  get endpoint(): string {
    return this.#origin;
  }

  /** What the service keys would sign with. */
  readonly fetch: AwsFetch = ({ url, target, method, body, signal }) =>
    this.#url.fetch(url, {
      method,
      body,
      signal,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target ?? '' },
    });

  /** Messages of a stream, `group/stream`, in the order in which they came. */
  messages(stream?: string): string[] {
    return this.puts
      .filter((put) => stream === undefined || put.stream === stream)
      .flatMap(({ events }) => events.map(({ message }) => message));
  }

  #answer(operation: string, bytes: Buffer): Exclude<Answer, undefined> {
    const input = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const early = this.intercept(operation, input);
    if (early) return early;
    const group = String(input.logGroupName);
    const stream = `${group}/${String(input.logStreamName)}`;
    if (operation === 'CreateLogGroup') {
      if (!/^[.\-_/#A-Za-z0-9]{1,512}$/.test(group)) return refusal('InvalidParameterException', group);
      this.groups.add(group);
    } else if (!this.groups.has(group)) {
      return refusal('ResourceNotFoundException', 'The specified log group does not exist.');
    } else if (operation === 'CreateLogStream') {
      this.streams.add(stream);
    } else if (!this.streams.has(stream)) {
      return refusal('ResourceNotFoundException', 'The specified log stream does not exist.');
    } else {
      const events = input.logEvents as LogEvent[];
      const problem = problemOf(events);
      if (problem) return refusal('InvalidParameterException', problem);
      this.puts.push({ stream, events });
      return { status: 200, body: { nextSequenceToken: '1' } };
    }
    return { status: 200, body: {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#url.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function refusal(code: string, message: string): { status: number; body: object } {
  return { status: 400, body: { __type: code, message } };
}

function problemOf(events: readonly LogEvent[]): string | undefined {
  if (events.length === 0 || events.length > 10_000) return `${events.length} events`;
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0);
  if (bytes > MOST_BYTES) return `${bytes} bytes`;
  if (events.some(({ message }) => message === '' || Buffer.byteLength(message) > 262_144 - 26))
    return 'the length of a message';
  const times = events.map(({ timestamp }) => timestamp);
  if (times.some((time, index) => index > 0 && time < (times[index - 1] ?? 0))) return 'not in order';
  return (times.at(-1) ?? 0) - (times[0] ?? 0) > DAY ? 'more than a day' : undefined;
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
