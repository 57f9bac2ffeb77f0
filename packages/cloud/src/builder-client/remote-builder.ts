import { readFile } from 'node:fs/promises';
import { CodedError, type Component, systemCode } from '@ioto/runtime';

export interface RemoteBuilderOptions {
  /** File with the cloud key that the builder's operator made. */
  keyFile: string;
  /** PEM file of the authority that the builder is trusted by; the system's authorities when there is none. */
  authorityFile?: string;
}

/** What a device cloud needs to ask a builder in another process, read from its files at start. */
export class RemoteBuilder implements Component {
  readonly name = 'remote builder';
  readonly #options: RemoteBuilderOptions;
  #key = '';
  #authority: string | undefined;

  constructor(options: RemoteBuilderOptions) {
    this.#options = options;
  }

  get key(): string {
    return this.#key;
  }

  get authority(): string | undefined {
    return this.#authority;
  }

  /** @throws BUILDER_FILE_UNREADABLE naming the option and the file. */
  async start(): Promise<void> {
    const { keyFile, authorityFile } = this.#options;
    this.#key = (await read('--cloud-key-file', keyFile)).trim();
    this.#authority =
      authorityFile === undefined ? undefined : await read('--builder-authority', authorityFile);
  }

  async stop(): Promise<void> {
    this.#key = '';
  }
}

async function read(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const message = `${option} ${path} cannot be read (${systemCode(error)})`;
    throw new CodedError('BUILDER_FILE_UNREADABLE', message, { cause: error });
  }
}
