/** One row of an error catalogue. */
export interface ErrorKind {
  /** HTTP status that the error becomes at a REST edge. */
  status?: number;
  /** True when trying again, later and unchanged, may succeed. */
  retryable?: boolean;
}

export interface CodedErrorOptions extends ErrorKind {
  cause?: unknown;
  /** Milliseconds after which trying again makes sense. */
  retryAfter?: number;
  /** Extra facts that are safe to show to anybody. */
  details?: Record<string, unknown>;
}

/**
 * An error with a stable code that users can search for and a message that is safe to show. The cause may hold more;
 * it is logged, never sent to a peer.
 */
export class CodedError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: string, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.status = options.status;
    this.retryable = options.retryable ?? false;
    this.retryAfter = options.retryAfter;
    this.details = options.details;
  }
}

/** A catalogue's own maker of errors: `fail('PRODUCT_UNKNOWN', 'no product …')`. Codes outside the catalogue do not compile. */
export function errorCatalogue<const C extends Record<string, ErrorKind>>(catalogue: C) {
  return function make(code: keyof C & string, message: string, options: CodedErrorOptions = {}): CodedError {
    return new CodedError(code, message, { ...catalogue[code], ...options });
  };
}

export function isCodedError(error: unknown, code?: string): error is CodedError {
  return error instanceof CodedError && (code === undefined || error.code === code);
}

export function isRetryable(error: unknown): boolean {
  return error instanceof CodedError && error.retryable;
}

/** The `code` of a Node system error (`ENOSPC`, `EACCES`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** A one-line text for whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
