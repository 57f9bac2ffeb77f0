import type { LogPosition } from '../../../ports/log-store.ts';
import type { BlockReader, RunInSegment } from './block-reader.ts';
import { Breath } from './breath.ts';
import type { EventColumns } from './event-columns.ts';
import type { GroupView } from './group-log.ts';
import { type Hit, hitsIn, mayMatch, type Wanted } from './hits.ts';
import type { BlockPlace } from './run.ts';

export interface SweepOptions {
  view: GroupView;
  reader: BlockReader;
  wanted: Wanted;
  limit: number;
  bytes: number;
  /** Milliseconds. */
  budget: number;
  signal?: AbortSignal;
}

export interface Swept {
  hits: Hit[];
  next?: LogPosition;
}

/** Something that events come out of. Times here count in the direction of the search: later ones are greater. */
interface Source {
  /** Time of its first event at the earliest. */
  near: number;
  kind: 'part' | 'run' | 'block';
  open(): Promise<Opened> | Opened;
}

type Opened = { columns: EventColumns } | { sources: Source[] };

/** How many sources are read ahead of the one that is looked at. */
const AHEAD = 3;

/**
 * One page of a search. Goes through everything that may have wanted events in the order of the times where each begins,
 * and is done with what lies before the next one's beginning.
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #sign: number;
  /** The nearest last. */
  readonly #waiting: Source[];
  readonly #ahead = new Map<Source, Promise<Opened>>();
  #hits: Hit[] = [];
  /** More was found than the page takes. */
  #isFull = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#sign = options.wanted.backward ? -1 : 1;
    this.#waiting = this.#sources().sort((a, b) => b.near - a.near);
  }

  async page(): Promise<Swept> {
    const { budget, signal, wanted } = this.#options;
    const began = performance.now();
    const breath = new Breath();
    const first = wanted.after ? this.#sign * wanted.after.time : Number.NEGATIVE_INFINITY;
    for (let source = this.#waiting.pop(); source; source = this.#waiting.pop()) {
      if (this.#isFull && source.near > this.#sign * (this.#hits.at(-1) as Hit).time) break;
      const isLate = performance.now() - began > budget;
      // A page that ends early must have got on, or the next one would do the same again.
      if ((isLate && source.near > first) || signal?.aborted) return this.#until(source.near);
      await breath.take();
      const opened = await this.#open(source);
      if ('columns' in opened) this.#take(await hitsIn(opened.columns, wanted, breath));
      else for (const inner of opened.sources) this.#insert(inner);
    }
    return this.#isFull
      ? { hits: this.#hits, next: positionOf(this.#hits.at(-1) as Hit) }
      : { hits: this.#hits };
  }

  #sources(): Source[] {
    const { view, wanted } = this.#options;
    const parts = view.parts.flatMap((columns): Source[] => {
      const near = this.#near(columns.times[0] as number, columns.times[columns.count - 1] as number);
      return near === undefined ? [] : [{ near, kind: 'part', open: () => ({ columns }) }];
    });
    const runs = view.runs.flatMap((place): Source[] => {
      const near = this.#near(place.run.minTime, place.run.maxTime);
      return near === undefined ? [] : [{ near, kind: 'run', open: () => this.#blocksOf(place, wanted) }];
    });
    return [...parts, ...runs];
  }

  /** Where a span of time begins for this search, or undefined when it lies outside. */
  #near(minTime: number, maxTime: number): number | undefined {
    const { from, to, after, backward } = this.#options.wanted;
    if (maxTime < from || minTime >= to) return undefined;
    if (after && (backward ? minTime > after.time : maxTime < after.time)) return undefined;
    return backward ? -maxTime : minTime;
  }

  async #blocksOf(place: RunInSegment, { streams, matcher }: Wanted): Promise<Opened> {
    const { reader } = this.#options;
    const needsFilters = matcher !== undefined && matcher.hashes.length > 0;
    const { blocks, filters } = await reader.index(place, needsFilters);
    const mayHold = (block: BlockPlace) => {
      if (streams && !block.streams.some((stream) => streams.has(stream))) return false;
      if (!matcher || !filters) return true;
      const filter = filters.subarray(block.bloomAt, block.bloomAt + block.bloomLength);
      return mayMatch(matcher, filter, block.hasEscapes);
    };
    const sources = blocks.flatMap((block): Source[] => {
      const near = this.#near(block.minTime, block.maxTime);
      if (near === undefined || !mayHold(block)) return [];
      return [{ near, kind: 'block', open: async () => ({ columns: await reader.block(place, block) }) }];
    });
    return { sources };
  }

  async #open(source: Source): Promise<Opened> {
    for (const next of this.#waiting.slice(-AHEAD)) {
      if (next.kind === 'part' || this.#ahead.has(next)) continue;
      const opening = Promise.resolve(next.open());
      // Whoever comes to it is told; a search that ends before leaves it.
      opening.catch(() => undefined);
      this.#ahead.set(next, opening);
    }
    const opened = this.#ahead.get(source) ?? source.open();
    this.#ahead.delete(source);
    return opened;
  }

  #insert(source: Source): void {
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle] as Source).near > source.near) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, source);
  }

  /** Adds what was found, and lets go what a page has no room for. */
  #take(found: Hit[]): void {
    if (found.length === 0) return;
    if (this.#sign < 0) found.reverse();
    const last = this.#hits.at(-1);
    const inOrder = !last || this.#compare(last, found[0] as Hit) < 0;
    const all = [...this.#hits, ...found];
    if (!inOrder) all.sort((a, b) => this.#compare(a, b));
    const { limit, bytes } = this.#options;
    let count = 0;
    let size = 0;
    while (count < all.length && count < limit) {
      size += (all[count] as Hit).size;
      // One event makes a page, whatever its size.
      if (size > bytes && count > 0) break;
      count += 1;
    }
    if (count < all.length) this.#isFull = true;
    all.length = count;
    this.#hits = all;
  }

  /** What is complete, when everything from here on has not been looked at. */
  #until(near: number): Swept {
    const hits = this.#hits.filter(({ time }) => this.#sign * time < near);
    // In the direction of the search this stands before all events of that time.
    const sequence = this.#sign < 0 ? Number.MAX_SAFE_INTEGER : -1;
    return { hits, next: { time: this.#sign * near, sequence } };
  }

  #compare(a: LogPosition, b: LogPosition): number {
    return this.#sign * (a.time - b.time || a.sequence - b.sequence);
  }
}

function positionOf({ time, sequence }: Hit): LogPosition {
  return { time, sequence };
}
