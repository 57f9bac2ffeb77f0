import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makePrivateDirectory, systemCode } from '@ioto/runtime';

const NAMES = ['positions-a', 'positions-b'];

interface Slot {
  seq: number;
  state: unknown;
}

/**
 * How far each source was sent. It is written after every batch, so it is not synced to disk each time, which would wear
 * a device's flash: a kill of the program loses nothing, and after a power cut the place of half a minute ago is found,
 * from which lines are sent once more. Two files in turn, each with its checksum: one of them is always whole.
 */
export class StateFile {
  readonly #directory: string;
  #seq = 0;
  #latest: unknown;
  #writing: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What was saved last; undefined when nothing was, or nothing whole is left. */
  async load(): Promise<unknown> {
    const slots = await Promise.all(NAMES.map((name) => readSlot(join(this.#directory, name))));
    const found = slots.filter((slot) => slot !== undefined).sort((a, b) => b.seq - a.seq)[0];
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
    await writeFile(join(this.#directory, name), `${checksum(text)} ${text}`, { mode: 0o600 });
    this.#seq = seq;
  }
}

async function readSlot(path: string): Promise<Slot | undefined> {
  try {
    const content = await readFile(path, 'utf8');
    const at = content.indexOf(' ');
    const text = content.slice(at + 1);
    return content.slice(0, at) === checksum(text) ? (JSON.parse(text) as Slot) : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16);
}
