import { systemClock } from '@ioto/runtime';
import { TlsWorker } from './tls-worker.ts';
import type { FromWorker, ListenHandle, ToWorker } from './worker-messages.ts';

/** The program of a worker process. Whatever it must know comes over the channel from the core, and it ends with that. */
function send(message: FromWorker, sent: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
}

// These go to the whole group of a terminal; the core, which gets them too, ends its workers in their turn.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);
process.once('disconnect', () => process.exit(0));

// The channel keeps the process alive, and ends it: what was sent before is read before.
const worker = new TlsWorker({ send, clock: systemClock, onDone: () => process.disconnect?.() });
process.on('message', (message, handle) => worker.take(message as ToWorker, handle as ListenHandle));
send({ type: 'loaded' });
