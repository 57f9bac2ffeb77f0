import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeviceFiles, type Program, type ProgramOptions, runProgram, until } from '@ioto/testkit';
import type { World } from './world.ts';

/** The software of a device, as its cloud shows it. */
export interface Software {
  version?: string;
  offered?: string;
  result?: { version: string; outcome: string; code?: string; message?: string };
}

/** A maker with a key, and versions that are handed out. */
export class Maker {
  readonly #world: World;
  readonly publicKey: string;
  readonly #key: string;

  private constructor(world: World, key: string, publicKey: string) {
    this.#world = world;
    this.#key = key;
    this.publicKey = publicKey;
  }

  static async create(world: World): Promise<Maker> {
    const key = world.directory.at('maker.key');
    const { stdout } = await runProgram('ioto-cloud', ['update', 'keygen', key]);
    return new Maker(world, key, stdout);
  }

  /** Hands an image out to one device, signed unless `args` say otherwise. */
  async publish(version: string, image: Buffer, id: string, args = ['--key', this.#key]): Promise<void> {
    const file = this.#world.directory.at(`image-${version}`);
    await writeFile(file, image);
    const { product } = this.#world;
    const policy = ['--policy', `id == '${id}'`];
    await this.#world.cloud.id([
      'update',
      'publish',
      version,
      file,
      '--product',
      product,
      ...policy,
      ...args,
    ]);
  }
}

/** A claimed device whose script puts the new version into its configuration, as installing software would. */
export class UpdatingDevice {
  readonly #world: World;
  readonly #files: DeviceFiles;
  readonly #settings: Record<string, unknown>;
  id = '';
  /** The program that was started last. */
  program: Program | undefined;

  private constructor(world: World, files: DeviceFiles, settings: Record<string, unknown>) {
    this.#world = world;
    this.#files = files;
    this.#settings = settings;
  }

  /** `services` are those that it has beside what an update takes. */
  static async create(
    world: World,
    maker: Maker,
    update: object = {},
    services: object = {},
  ): Promise<UpdatingDevice> {
    const files = await world.device();
    const ioto = JSON.parse(await readFile(join(files.config, 'ioto.json5'), 'utf8'));
    const settings = {
      ...ioto,
      version: '1.0.0',
      services: { provision: true, update: true, ...services },
      scripts: { update: join(files.directory, 'apply.sh') },
      // It was on before, so that its next check-in is a period away.
      update: { delay: '100 msec', period: '1 sec', jitter: 0, keys: '@config/maker.pem', ...update },
    };
    await writeFile(join(files.config, 'maker.pem'), maker.publicKey);
    const device = new UpdatingDevice(world, files, settings);
    await files.configure(settings);
    const first = device.start();
    device.id = await world.registered(files);
    await world.claim(device.id);
    await first.waitFor(/the device has a certificate/);
    await first.kill();
    return device;
  }

  at(...names: string[]): string {
    return join(this.#files.directory, ...names);
  }

  /** What the script does beside noting that it ran; `$1` is the image, `$UPDATE_VERSION` its version. */
  async script(lines: string): Promise<void> {
    const config = join(this.#files.config, 'ioto.json5');
    const install = `sed 's/"version": "[^"]*"/"version": "'"$UPDATE_VERSION"'"/' ${config} >${config}.new && mv ${config}.new ${config}`;
    const text = `#!/bin/sh\necho "$UPDATE_VERSION" >>${this.at('ran')}\ncp "$1" ${this.at('installed')}\n`;
    await writeFile(this.at('apply.sh'), `${text}install() {\n${install}\n}\n${lines}\n`);
    await chmod(this.at('apply.sh'), 0o755);
  }

  async configure(update: object): Promise<void> {
    const config = join(this.#files.config, 'ioto.json5');
    const now = JSON.parse(await readFile(config, 'utf8'));
    const before = this.#settings.update as object;
    await this.#files.configure({ ...now, update: { ...before, ...update } });
  }

  start(options: ProgramOptions = {}): Program {
    this.program = this.#world.switchOn(this.#files, ['--verbose'], options);
    return this.program;
  }

  /** Versions that its script was run for. */
  async ran(): Promise<string[]> {
    const text = await readFile(this.at('ran'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean);
  }

  installed(): Promise<Buffer> {
    return readFile(this.at('installed'));
  }

  /** The version that it would come up with. */
  async version(): Promise<string> {
    return JSON.parse(await readFile(join(this.#files.config, 'ioto.json5'), 'utf8')).version;
  }

  read(...names: string[]): Promise<string | undefined> {
    return this.#files.read(...names);
  }

  async software(): Promise<Software> {
    return ((await this.#world.adminCall('/device/get', { id: this.id })).json.software ?? {}) as Software;
  }

  /** Resolves how the update to a version ended, once the cloud knows. */
  async result(version: string): Promise<NonNullable<Software['result']>> {
    const look = async () => {
      const { result } = await this.software();
      return result?.version === version ? result : undefined;
    };
    try {
      return await until(`${this.id} to report ${version}`, look, { timeout: 15_000, every: 50 });
    } catch (error) {
      throw new Error(`no report of ${version}. ${this.program?.said}`, { cause: error });
    }
  }
}
