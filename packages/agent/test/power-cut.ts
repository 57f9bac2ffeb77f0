import type { Checkpoint } from '../src/agent.ts';

/**
 * A power cut at one moment of what is started next: what the program still does after it is done to no disk.
 *
 * @param at undefined: the power stays
 */
export function powerCutAt(at: Checkpoint | undefined): {
  cut: Promise<void>;
  checkpoint: (moment: Checkpoint) => void | Promise<void>;
} {
  let over: () => void = () => undefined;
  const cut = new Promise<void>((resolve) => {
    over = resolve;
  });
  const checkpoint = (moment: Checkpoint): void | Promise<void> => {
    if (moment !== at) return;
    over();
    return new Promise<never>(() => undefined);
  };
  return { cut, checkpoint };
}
