import type { Clock } from '@ioto/runtime';

/** Milliseconds between two words of how far a download is. */
const PAUSE = 1000;

/** Tells how far a download is, but not at every piece of it. */
export function progressTeller(
  clock: Clock,
  tell: (received: number, size: number) => void,
): (received: number, size: number) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (received, size) => {
    if (clock.now() - told < PAUSE) return;
    told = clock.now();
    tell(received, size);
  };
}
