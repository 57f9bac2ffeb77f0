import { type Clock, type Component, readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import { type Clouds, cloudOfKey, type NewCloud, newCloudKey } from './clouds.ts';

export interface LocalCloudOptions {
  clouds: Clouds;
  clock: Clock;
  /** Where the key of the device cloud in this process is kept, 0600. */
  keyFile: string;
  facts: NewCloud;
}

/** Makes the device cloud of this very process known to the builder in it, at the first start (Ioto contract §5). */
export class LocalCloud implements Component {
  readonly name = 'local cloud';
  readonly #options: LocalCloudOptions;
  #key: string | undefined;

  constructor(options: LocalCloudOptions) {
    this.#options = options;
  }

  /** The key goes to disk before the builder knows it: a power cut in between is made good at the next start. */
  async start(): Promise<void> {
    const { clouds, clock, keyFile, facts } = this.#options;
    const present = (await readTextIfPresent(keyFile))?.trim();
    const key = present ?? newCloudKey(clock);
    cloudOfKey(key);
    if (!present) await writeFileDurably(keyFile, `${key}\n`);
    await clouds.ensure(key, facts);
    this.#key = key;
  }

  async stop(): Promise<void> {
    this.#key = undefined;
  }

  get key(): string {
    if (!this.#key) throw new Error('the local cloud has not started');
    return this.#key;
  }
}
