import { expect, test } from 'vitest';
import { errorCatalogue, isCodedError, isRetryable } from './errors.ts';

const fail = errorCatalogue({ BUSY: { status: 503, retryable: true }, GONE: { status: 404 } });

test('an error carries its code, the status of its kind and the cause apart from the message', () => {
  const cause = new Error('connect ECONNREFUSED 10.0.0.1');
  const error = fail('BUSY', 'the builder does not answer', { cause, retryAfter: 5000 });
  expect(error).toMatchObject({ code: 'BUSY', status: 503, retryAfter: 5000, cause });
  expect(error.message).not.toContain('10.0.0.1');
  expect(isRetryable(error)).toBe(true);
  expect(isRetryable(fail('GONE', 'no such device'))).toBe(false);
  expect(isCodedError(error, 'BUSY')).toBe(true);
  expect(isCodedError(new Error('BUSY'))).toBe(false);
});
