import { request } from 'node:https';
import { join, resolve } from 'node:path';
import { CodedError, errorCatalogue, messageOf, readTextIfPresent, systemCode } from '@ioto/runtime';
import { adminKeyOf, readSecret } from '../state-directory/state-directory.ts';
import { type RunningAt, readWhereItRuns } from '../state-directory/where-it-runs.ts';

const fail = errorCatalogue({
  CLOUD_NOT_RUNNING: {},
  CLOUD_UNREACHABLE: {},
  CLOUD_ANSWER_MALFORMED: {},
  CLOUD_ROLE_MISSING: {},
});

/** Milliseconds to wait for an answer. */
const PATIENCE = 30_000;

/** What an administrator's command found in the state directory of a running cloud. */
interface Access {
  at: RunningAt;
  key: string;
  authority: string;
}

/** Asks the cloud that runs on a state directory, as the holder of the key in it. */
export class AdminClient {
  readonly #state: string;
  #access: Promise<Access> | undefined;

  constructor(state: string) {
    this.#state = resolve(state);
  }

  /**
   * The answer's object.
   *
   * @throws CLOUD_NOT_RUNNING, CLOUD_UNREACHABLE, or the cloud's own refusal with its code and status.
   */
  async post(path: string, body: object): Promise<Record<string, unknown>> {
    return this.#call(path, JSON.stringify(body), 'application/json');
  }

  /** The same with bytes, such as a piece of an image, as the body. */
  async send(path: string, bytes: Uint8Array): Promise<Record<string, unknown>> {
    return this.#call(path, bytes, 'application/octet-stream');
  }

  async #call(path: string, body: string | Uint8Array, type: string): Promise<Record<string, unknown>> {
    this.#access ??= this.#find();
    const { at, key, authority } = await this.#access;
    const { status, text } = await this.#send(at, authority, path, { key, body, type });
    const answer = parse(text);
    if (answer.code === 'ROUTE_UNKNOWN') throw this.#otherRole(path);
    if (status >= 300) {
      throw new CodedError(
        String(answer.code ?? 'CLOUD_REFUSED'),
        String(answer.error ?? `status ${status}`),
        {
          status,
        },
      );
    }
    return answer;
  }

  /** Where the cloud is, and the authority that it is known by. @throws CLOUD_NOT_RUNNING */
  async place(): Promise<{ at: RunningAt; authority: string }> {
    this.#access ??= this.#find();
    const { at, authority } = await this.#access;
    return { at, authority };
  }

  async #find(): Promise<Access> {
    const at = await readWhereItRuns(join(this.#state, 'running.json'));
    const secret = await readSecret(join(this.#state, 'keys', 'admin.key'));
    const authority = await readTextIfPresent(join(this.#state, 'ca.crt'));
    if (!at || !secret || !authority) {
      throw fail(
        'CLOUD_NOT_RUNNING',
        `no cloud runs on the state directory ${this.#state}: start it, or name its directory with --state`,
      );
    }
    return { at, key: adminKeyOf(secret), authority };
  }

  #send(
    { host, port, servername }: RunningAt,
    ca: string,
    path: string,
    { key, body, type }: { key: string; body: string | Uint8Array; type: string },
  ): Promise<{ status: number; text: string }> {
    const headers = {
      host: `${servername}:${port}`,
      authorization: `bearer ${key}`,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'ioto-agent': '2',
    };
    const options = {
      host,
      port,
      servername,
      ca,
      method: 'POST',
      path: `/api/tok${path}`,
      headers,
      timeout: PATIENCE,
    };
    return new Promise((fulfil, reject) => {
      const call = request(options, (answer) => {
        answer.toArray().then(
          (chunks) => fulfil({ status: answer.statusCode ?? 500, text: Buffer.concat(chunks).toString() }),
          (error) => reject(this.#unreachable(error)),
        );
      });
      call.on('timeout', () => call.destroy(new Error(`no answer within ${PATIENCE / 1000} s`)));
      call.on('error', (error) => reject(this.#unreachable(error)));
      call.end(body);
    });
  }

  /** A cloud with one role has not the calls of the other. */
  #otherRole(path: string): CodedError {
    const role = /^\/(product|cloud)\//.test(path) ? 'builder' : 'device-cloud';
    return fail(
      'CLOUD_ROLE_MISSING',
      `the cloud of ${this.#state} does not have the role ${role}: ask the one that does, with its --state`,
    );
  }

  #unreachable(error: unknown): CodedError {
    const why = systemCode(error) ?? messageOf(error);
    return fail('CLOUD_UNREACHABLE', `the cloud of ${this.#state} does not answer (${why}): is it running?`, {
      cause: error,
    });
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw fail('CLOUD_ANSWER_MALFORMED', 'the cloud answered with something that is not JSON', {
      cause: error,
    });
  }
}
