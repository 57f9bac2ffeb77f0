import type { Roles } from '../auth/roles.ts';
import { webError } from '../errors.ts';
import { hasBody } from '../request-path/shape.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import { type CheckRules, checkValue } from './check-value.ts';
import type { Shape } from './shape.ts';

export interface SignatureParts {
  /** Path of the action below its route. */
  name: string;
  role: string | undefined;
  request: Shape;
  query: Shape;
  response: Shape;
}

export interface SignatureRules {
  strict: boolean;
  roles: Roles;
  /** Says in the log what an action or a client does otherwise, once for each. */
  warn: (name: string, what: string) => void;
}

/** A field of forms that is the gate's, and no action's. */
const XSRF = '-xsrf-';

/** What requests to an action, and its answers, may look like. */
export class Signature {
  readonly #parts: SignatureParts;
  readonly #rules: SignatureRules;

  constructor(parts: SignatureParts, rules: SignatureRules) {
    this.#parts = parts;
    this.#rules = rules;
  }

  /** Role or ability that it needs, beside what route and action do. */
  get role(): string | undefined {
    return this.#parts.role;
  }

  /**
   * Checks a request before its action sees it, which then finds its query and body without what is to be left out. Its role is
   * for the gate to ask for.
   *
   * @throws WEB_SIGNATURE naming the field; whatever reading the body throws
   */
  async admit(request: WebRequest): Promise<void> {
    if (request.query !== '' || this.#parts.query.type !== 'any') {
      request.query = this.checkQuery(new URLSearchParams(request.query)).toString();
    }
    if (request.isSafe || request.route.stream || this.#parts.request.type === 'any') return;
    await this.#checkBody(request);
  }

  /** @throws WEB_SIGNATURE */
  checkQuery(query: URLSearchParams): URLSearchParams {
    return this.#checkTexts(this.#parts.query, query, 'query');
  }

  /** The cleaned body, of JSON or the fields of a form. @throws WEB_SIGNATURE */
  checkRequest(body: unknown): unknown {
    const { request } = this.#parts;
    if (body instanceof URLSearchParams) return this.#checkTexts(request, body, 'request');
    return checkValue(request, body, 'request', this.#ofRequest(false));
  }

  /** What is sent of a value that an action returned. @throws WEB_RESPONSE where it is strict */
  filterResponse(value: unknown): unknown {
    const { response, name } = this.#parts;
    if (response.type === 'any') return value;
    // As the client will have it, dates and what knows its own JSON included.
    const plain: unknown = value === undefined ? undefined : JSON.parse(JSON.stringify(value));
    const tell = (where: string, problem: string) => {
      const what = `${where} ${problem}`;
      if (this.#rules.strict) throw webError('WEB_RESPONSE', `the answer of ${name} is none: ${what}`);
      this.#rules.warn(name, what);
    };
    return checkValue(response, plain, 'response', {
      isText: false,
      wrong: tell,
      unknown: (where) => tell(where, 'is no field of it'),
    });
  }

  async #checkBody({ body, raw }: WebRequest): Promise<void> {
    const { request, name } = this.#parts;
    if (!hasBody(raw)) {
      this.checkRequest(request.type === 'object' ? {} : undefined);
      return;
    }
    const { type } = body;
    if (type === 'application/x-www-form-urlencoded' || type === 'multipart/form-data') {
      const fields = type === 'multipart/form-data' ? (await body.uploads()).fields : await body.form();
      const clean = this.checkRequest(fields) as URLSearchParams;
      for (const key of [...fields.keys()]) fields.delete(key);
      for (const [key, value] of clean) fields.append(key, value);
    } else if (type === 'text/plain') this.checkRequest(await body.text());
    else if (request.type === 'none') throw webError('WEB_SIGNATURE', `the body of ${name} must be empty`);
    else body.clean(this.checkRequest(await body.json()));
  }

  #checkTexts(shape: Shape, texts: URLSearchParams, where: string): URLSearchParams {
    if (shape.type === 'any') return texts;
    const values: Record<string, unknown> = Object.create(null);
    for (const name of new Set(texts.keys())) {
      if (name === XSRF) continue;
      const all = texts.getAll(name);
      values[name] = all.length > 1 ? all : all[0];
    }
    const clean = checkValue(shape, { ...values }, where, this.#ofRequest(true));
    const result = new URLSearchParams();
    for (const [name, value] of Object.entries(clean ?? {})) {
      for (const each of Array.isArray(value) ? value : [value]) result.append(name, String(each));
    }
    return result;
  }

  #ofRequest(isText: boolean): CheckRules {
    const { name } = this.#parts;
    return {
      isText,
      wrong: (where, problem) => {
        throw webError('WEB_SIGNATURE', `${where} ${problem}`);
      },
      unknown: (where) => {
        if (this.#rules.strict) throw webError('WEB_SIGNATURE', `${where} is no field of ${name}`);
        // Clients choose the names: once is enough.
        this.#rules.warn(name, 'requests have fields that it does not name');
      },
    };
  }
}
