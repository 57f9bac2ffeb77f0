import { CodedError, messageOf } from '@ioto/runtime';

/** How long a step may take before the demo gives up on it, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Awaits one step of the life.
 *
 * @throws STEP_FAILED naming the step, whatever went wrong in it; a step that does not end in time says so.
 */
export async function step<T>(name: string, work: Promise<T>, patience: number = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    if (!Number.isFinite(patience)) return;
    timer = setTimeout(() => reject(new Error(`nothing happened for ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw new CodedError('STEP_FAILED', `step "${name}" failed: ${messageOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `look` again and again until it gives something. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
