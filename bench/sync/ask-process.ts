import { once } from 'node:events';
import { forkOn } from '../mqtt/servers/server.ts';

/** Milliseconds for one task. */
const TIME_LIMIT = 300_000;

/** Has a file of this bench do one task, in a process of its own on a core. */
export async function askProcess<R>(core: string, file: string, task: object): Promise<R> {
  const child = forkOn(core, new URL(file, import.meta.url));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  ended.catch(() => undefined);
  const late = AbortSignal.timeout(TIME_LIMIT);
  late.addEventListener('abort', () => child.kill('SIGKILL'));
  for (;;) {
    const [message] = await Promise.race([once(child, 'message'), ended]);
    if (message.ready) child.send(task);
    else return message.result;
  }
}
