import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Program, type ProgramOptions } from './program.ts';

export interface DeviceFilesOptions {
  /** Directory that gets `config/ioto.json5`, and becomes the state directory. */
  directory: string;
  /** Base of the builder with its `/api`. */
  builder: string;
  product?: string;
  /** PEM of the authorities for HTTPS. */
  authority: string;
  /** Further settings, blended over. */
  settings?: Record<string, unknown>;
}

/** A device on disk: its configuration, its state, and the program that can be started on it again and again. */
export class DeviceFiles {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(options: DeviceFilesOptions): Promise<DeviceFiles> {
    const files = new DeviceFiles(options.directory);
    await mkdir(files.config, { recursive: true });
    await writeFile(join(files.config, 'authority.pem'), options.authority);
    await files.configure({
      api: { builder: options.builder },
      tls: { authority: '@config/authority.pem' },
      // Short delays, so that a test of a retry is not a test of patience.
      register: { first: '200 msec', limit: '1 sec' },
      mqtt: { first: '100 msec', limit: '500 msec' },
      web: { listen: 'http://127.0.0.1:0' },
      device: { name: 'E2E', ...(options.product ? { product: options.product } : {}) },
      ...options.settings,
    });
    return files;
  }

  get config(): string {
    return join(this.directory, 'config');
  }

  get state(): string {
    return join(this.directory, 'state');
  }

  async configure(settings: Record<string, unknown>): Promise<void> {
    await writeFile(join(this.config, 'ioto.json5'), JSON.stringify(settings, null, 2));
  }

  /** Starts the agent on these files. */
  start(args: readonly string[] = [], options: ProgramOptions = {}): Program {
    return Program.spawn('ioto', ['--config', this.config, '--state', this.state, ...args], options);
  }

  /** A file of the state directory as text, or undefined when it is missing. */
  async read(...names: string[]): Promise<string | undefined> {
    return readFile(join(this.state, ...names), 'utf8').catch(() => undefined);
  }

  /** The claim ID that the device has given itself, once it has. */
  async id(): Promise<string | undefined> {
    const text = await this.read('config', 'device.json5');
    return /\bid['"]?\s*:\s*['"]([0-9A-Z]{10,20})['"]/.exec(text ?? '')?.[1];
  }
}
