import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import { NewcomerLimit } from './newcomer-limit.ts';

const refusal = expect.objectContaining({ code: 'NEWCOMERS_EXCEEDED', status: 429, retryAfter: 60_000 });

it('lets twenty thousand new devices an hour through, of one address and of one token', async () => {
  const clock = new VirtualClock();
  const limit = new NewcomerLimit({ clock });
  for (let n = 0; n < 20_000; n += 1) limit.admit('192.0.2.1', 'P');
  expect(() => limit.admit('192.0.2.1', 'Q')).toThrow(refusal);
  expect(() => limit.admit('192.0.2.2', 'P')).toThrow(refusal);
  expect(() => limit.admit('192.0.2.2', 'Q')).not.toThrow();
  await clock.advance(60_000);
  expect(() => limit.admit('192.0.2.1', 'P')).not.toThrow();
});
