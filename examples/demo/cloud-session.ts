import { request } from 'node:https';
import { CodedError } from '@ioto/runtime';

/** What a person does with the cloud, over its public REST API. */
export class CloudSession {
  readonly #api: string;
  readonly #authority: string;
  readonly #token: string;

  /** `api` is the cloud's base with its `/api`, `authority` the PEM of the authority to trust. */
  constructor(api: string, authority: string, token: string) {
    this.#api = api;
    this.#authority = authority;
    this.#token = token;
  }

  static async signIn(
    api: string,
    authority: string,
    credentials: { email: string; password: string },
  ): Promise<CloudSession> {
    const anonymous = new CloudSession(api, authority, '');
    const { token } = await anonymous.post<{ token: string }>('/user/login', credentials);
    return new CloudSession(api, authority, token);
  }

  /** @throws the cloud's own error code, status and message. */
  post<T>(path: string, body: object): Promise<T> {
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.#api}${path}`,
        {
          method: 'POST',
          ca: this.#authority,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            ...(this.#token ? { authorization: `bearer ${this.#token}` } : {}),
          },
        },
        async (answer) => {
          const received = await answer.toArray().then((chunks) => Buffer.concat(chunks).toString(), reject);
          if (received === undefined) return;
          const status = answer.statusCode ?? 500;
          if (status < 300) resolve(JSON.parse(received) as T);
          else reject(refusal(path, status, received));
        },
      );
      call.on('error', reject);
      call.end(text);
    });
  }
}

function refusal(path: string, status: number, body: string): CodedError {
  try {
    const { error, code } = JSON.parse(body) as { error: string; code: string };
    return new CodedError(code, error, { status });
  } catch {
    return new CodedError('CLOUD_REFUSED', `${path} was answered ${status}`, { status });
  }
}
