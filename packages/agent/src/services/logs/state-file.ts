import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Clock, makePrivateDirectory, systemCode, writeFileDurably } from '@ioto/runtime';

const NAMES = ['positions-a', 'positions-b'];
/** The one that a power cut leaves whole. */
const DURABLE = 'positions-c';
/** Milliseconds from one write to it to the next, at least. */
const PERIOD = 30_000;

interface Slot {
  seq: number;
  state: unknown;
}

/**
 * How far each source was sent. It is written after every batch, so it is not synced to disk each time, which would wear
 * a device's flash: a kill of the program loses nothing, and after a power cut the place of half a minute ago is found,
 * from which lines are sent once more. Two files in turn, each with its checksum, of which a kill leaves one whole; and a third
 * that is synced, every half minute at most.
 */
export class StateFile {
  readonly #directory: string;
  readonly #clock: Pick<Clock, 'now'>;
  /** There is no place to go on from, though there was one: nobody knows what was sent. */
  isDamaged = false;
  #synced = Number.NEGATIVE_INFINITY;
  #seq = 0;
  #latest: unknown;
  #writing: Promise<void> | undefined;

  constructor(directory: string, clock: Pick<Clock, 'now'>) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** What was saved last; undefined when nothing was, or nothing whole is left. */
  async load(): Promise<unknown> {
    const names = [...NAMES, DURABLE];
    const slots = await Promise.all(names.map((name) => readSlot(join(this.#directory, name))));
    const whole = slots.filter((slot) => slot !== undefined && slot !== 'damaged');
    const found = whole.sort((a, b) => b.seq - a.seq)[0];
    this.isDamaged = !found && slots.includes('damaged');
    this.#seq = found?.seq ?? 0;
    return found?.state;
  }

  /** Writes a state, or that of a later call that came before its turn. @throws as the file system does. */
  async save(state: unknown): Promise<void> {
    this.#latest = state;
    while (this.#writing) await this.#writing.catch(() => undefined);
    if (this.#latest === undefined) return;
    const latest = this.#latest;
    this.#latest = undefined;
    this.#writing = this.#write(latest).finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #write(state: unknown): Promise<void> {
    makePrivateDirectory(this.#directory);
    const seq = this.#seq + 1;
    const text = JSON.stringify({ seq, state });
    const name = NAMES[seq % 2] as string;
    const content = `${checksum(text)} ${text}`;
    await writeFile(join(this.#directory, name), content, { mode: 0o600 });
    this.#seq = seq;
    const now = this.#clock.now();
    if (now - this.#synced < PERIOD) return;
    await writeFileDurably(join(this.#directory, DURABLE), content);
    this.#synced = now;
  }
}

async function readSlot(path: string): Promise<Slot | 'damaged' | undefined> {
  try {
    const content = await readFile(path, 'utf8');
    const at = content.indexOf(' ');
    const text = content.slice(at + 1);
    return content.slice(0, at) === checksum(text) ? (JSON.parse(text) as Slot) : 'damaged';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return 'damaged';
    throw error;
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16);
}
