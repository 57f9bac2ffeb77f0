import { countViolation } from './broker.ts';
import type { Client } from './client.ts';
import { HOLD } from './connection.ts';

/** Each limit's bucket, and the reason of the same name for which a connection is not read. */
const RATES = { maxPublishRate: 'publishRate', maxSubscribeRate: 'subscribeRate' } as const;

/** Counts something that a client has done. One that does it too fast is not read until its next is due. */
export function slowDown<P>(client: Client<P>, limit: keyof typeof RATES): void {
  const { connection, session } = client;
  const { clock, limits } = connection.broker;
  if (limits[limit] === Number.POSITIVE_INFINITY) return;
  const rate = RATES[limit];
  const wait = client[rate].take(clock.now());
  if (wait === 0) return;
  countViolation(connection.broker, limit, session);
  connection.hold(HOLD[rate]);
  clock.after(wait, () => connection.release(HOLD[rate]), { unref: true });
}
