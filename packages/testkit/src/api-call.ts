import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

export interface ApiCall {
  url: string;
  method?: string;
  /** Becomes `Authorization: bearer …`. */
  bearer?: string;
  /** An object goes as JSON, a text as it is. */
  body?: object | string;
  headers?: Record<string, string>;
  /** PEM of the trusted authorities. */
  authority?: string;
  /** PEM pair of a client certificate, for listeners that ask for one. */
  certificate?: string;
  key?: string;
  alpn?: string[];
  signal?: AbortSignal;
}

export interface ApiAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The body parsed as JSON where it is, else undefined. */
  json: Record<string, unknown>;
  text: string;
}

/** One call to the REST API over a connection of its own, as a tool or the console makes it. Any status resolves. */
export function callApi(call: ApiCall): Promise<ApiAnswer> {
  const { url, method = 'POST', bearer, body, headers, authority, certificate, key, alpn, signal } = call;
  const text = typeof body === 'string' ? body : body && JSON.stringify(body);
  const send = url.startsWith('https:') ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method,
        agent: false,
        ...{ ca: authority, cert: certificate, key, ALPNProtocols: alpn, signal },
        headers: {
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bearer ? { authorization: `bearer ${bearer}` } : {}),
          'ioto-agent': '2',
          ...headers,
        },
      },
      (answer) => readAnswer(answer).then(resolve, reject),
    );
    request.on('error', reject);
    request.end(text);
  });
}

async function readAnswer(answer: IncomingMessage): Promise<ApiAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: answer.statusCode ?? 0, headers: answer.headers, json: parse(text), text };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
