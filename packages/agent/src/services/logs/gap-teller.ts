import type { Clock, Emitter } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { Gap } from './sources/source.ts';

/** Milliseconds from one event about the lost lines of a source to the next: telling them makes lines of its own. */
const PAUSE = 60_000;

/** Tells what was lost, at once and then at most once a minute for each source. */
export class GapTeller {
  readonly #clock: Clock;
  readonly #events: Emitter<AgentEvents>;
  readonly #waiting = new Map<string, Gap>();
  readonly #cancels = new Map<string, () => void>();

  constructor(clock: Clock, events: Emitter<AgentEvents>) {
    this.#clock = clock;
    this.#events = events;
  }

  tell(source: string, gap: Gap): void {
    this.#waiting.set(source, joined(this.#waiting.get(source), gap));
    if (!this.#cancels.has(source)) this.#emit(source);
  }

  stop(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }

  #emit(source: string): void {
    const gap = this.#waiting.get(source);
    this.#waiting.delete(source);
    this.#cancels.delete(source);
    if (!gap) return;
    const { lines, bytes, from, to } = gap;
    this.#cancels.set(
      source,
      this.#clock.after(PAUSE, () => this.#emit(source), { unref: true }),
    );
    this.#events.emit('logs:gap', {
      source,
      ...(lines === undefined ? {} : { lines }),
      ...(bytes === undefined ? {} : { bytes }),
      ...(from === undefined ? {} : { from: new Date(from).toISOString() }),
      ...(to === undefined ? {} : { to: new Date(to).toISOString() }),
    });
  }
}

function joined(a: Gap | undefined, b: Gap): Gap {
  if (!a) return b;
  const sum = (x?: number, y?: number) =>
    x === undefined && y === undefined ? undefined : (x ?? 0) + (y ?? 0);
  return {
    lines: sum(a.lines, b.lines),
    bytes: sum(a.bytes, b.bytes),
    from: a.from ?? b.from,
    to: b.to ?? a.to,
  };
}
