import { fileURLToPath } from 'node:url';
import { type DeviceFiles, Program } from '@ioto/testkit';

const SCRIPT = fileURLToPath(new URL('./devices/counting-device.mjs', import.meta.url));

/** A device whose own program counts in its store and says each number that was acknowledged. */
export class CountingDevice {
  /** The number that it found in its store at the latest start. */
  startedWith = 0;
  readonly #files: DeviceFiles;
  #program: Program | undefined;

  constructor(files: DeviceFiles) {
    this.#files = files;
  }

  get program(): Program {
    if (!this.#program) throw new Error('not started');
    return this.#program;
  }

  /** Resolves when it has read its counter. */
  async start({ idle = false } = {}): Promise<void> {
    const { config, state } = this.#files;
    this.#program = Program.spawnScript(SCRIPT, [config, state, idle ? 'idle' : 'count']);
    this.startedWith = Number((await this.#program.waitFor(/started with (\d+)\./))[1]);
  }

  /** Resolves with the number it has reached, at least `n`. */
  async countTo(n: number): Promise<number> {
    await this.program.waitFor(new RegExp(`kept ${n}\\.`));
    return this.#kept;
  }

  /** Kills it as a power cut does; resolves with the last number it had acknowledged. */
  async kill(): Promise<number> {
    await this.program.kill();
    return this.#kept;
  }

  get #kept(): number {
    return Number([...this.program.stdout.matchAll(/kept (\d+)\./g)].at(-1)?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.kill();
  }
}
