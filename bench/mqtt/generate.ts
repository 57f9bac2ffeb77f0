import { once } from 'node:events';
import type { Target } from './load/client.ts';
import type { Tasks } from './load/generator.ts';
import { forkOn, GENERATOR_CORE } from './servers/server.ts';

type TaskOf<N extends keyof Tasks> = Parameters<Tasks[N]>[1];
type ResultOf<N extends keyof Tasks> = Awaited<ReturnType<Tasks[N]>>;

/** Milliseconds for one task; a server that stops serving must not hold up the others. */
const TIME_LIMIT = 180_000;

/**
 * Runs one task of the generator, in a process of its own on a core of its own. `whileOpen` is called while idle
 * connections are all there.
 */
export async function generate<N extends keyof Tasks>(
  name: N,
  target: Target,
  task: TaskOf<N>,
  whileOpen: () => Promise<void> = async () => undefined,
): Promise<ResultOf<N>> {
  const child = forkOn(GENERATOR_CORE, new URL('load/generator.ts', import.meta.url));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the generator ended with ${code} while it did ${name}`);
  });
  ended.catch(() => undefined);
  const late = AbortSignal.timeout(TIME_LIMIT);
  late.addEventListener('abort', () => child.kill('SIGKILL'));
  for (;;) {
    const [message] = await Promise.race([once(child, 'message'), ended]);
    if (message.ready) child.send({ name, target, task });
    else if (message.open) {
      await whileOpen();
      child.send({ seen: true });
    } else return message.result;
  }
}
