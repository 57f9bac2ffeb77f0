import { type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Sent {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form. */
  form?: Record<string, string>;
}

/** A client that keeps cookies, as browsers do. */
export class Browser {
  readonly #url: () => string;
  readonly #from: string;
  readonly cookies = new Map<string, string>();

  /** @param from The address that it has. */
  constructor(world: { url: string }, from = '127.0.0.1') {
    this.#url = () => world.url;
    this.#from = from;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(path, { headers });
  }

  post(path: string, sent: Omit<Sent, 'method'> = {}): Promise<Answer> {
    return this.send(path, { method: 'POST', ...sent });
  }

  login(username: string, password: string): Promise<Answer> {
    return this.post('/api/public/login', { json: { username, password } });
  }

  send(path: string, { method = 'GET', headers = {}, json, form }: Sent): Promise<Answer> {
    const body =
      json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : undefined;
    const type = json !== undefined ? 'application/json' : 'application/x-www-form-urlencoded';
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const all = {
      ...(cookie && { cookie }),
      ...(body !== undefined && { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const options = { path, headers: all, method, agent: false, localAddress: this.#from } as const;
      const outgoing = request(this.#url(), options, (response) => {
        let text = '';
        for (const each of response.headers['set-cookie'] ?? []) this.#keep(each);
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      outgoing.on('error', reject).end(body);
    });
  }

  #keep(cookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (value === '') this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
