import type { Step } from './script.ts';

/** Whether an input still fails in the same way. */
export type StillFails<T> = (input: T) => Promise<boolean>;

/** The smallest script that still fails: steps go one after the other, then bytes of what is left. */
export async function shrinkScript(steps: Step[], fails: StillFails<Step[]>): Promise<Step[]> {
  let best = await shrinkList(steps, fails);
  for (let index = 0; index < best.length; index += 1) {
    const step = best[index] as Step;
    const withBytes = (bytes: number[]) => best.with(index, { ...step, bytes: Buffer.from(bytes) });
    const bytes = await shrinkList([...step.bytes], (fewer) => fails(withBytes(fewer)));
    best = withBytes(bytes);
  }
  return best;
}

/** As much of the list as is needed for it to fail: halves, quarters and so on are left out as long as it does. */
export async function shrinkList<T>(list: T[], fails: StillFails<T[]>): Promise<T[]> {
  let best = list;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length; ) {
      const without = [...best.slice(0, at), ...best.slice(at + size)];
      if (await fails(without)) best = without;
      else at += size;
    }
  }
  return best;
}
