import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callApi, type DeviceFiles, Program, runProgram, type TcpProxy } from '@ioto/testkit';

const SCRIPT = fileURLToPath(new URL('../devices/torture-device.mjs', import.meta.url));

/** Where a device got an answer that it must not get: a fault of the product, or of the torture. */
export class Refused extends Error {}

/** A device behind a proxy of its own that is killed and started again, and whose clock is wrong. */
export class TorturedDevice {
  readonly files: DeviceFiles;
  readonly proxy: TcpProxy;
  id = '';
  kills = 0;
  readonly #notes: string;
  #program: Program | undefined;

  constructor(files: DeviceFiles, proxy: TcpProxy) {
    this.files = files;
    this.proxy = proxy;
    this.#notes = join(files.directory, 'commands');
  }

  get isRunning(): boolean {
    return this.#program !== undefined && !this.#program.exit;
  }

  get said(): string {
    return this.#program?.said ?? '';
  }

  /** @param skew Milliseconds by which its clock is wrong. */
  async start(skew = 0): Promise<void> {
    const { config, state } = this.files;
    await appendFile(this.#notes, '');
    this.#program = Program.spawnScript(SCRIPT, [config, state, String(skew), this.#notes]);
    await this.#program.waitFor(/asked at (\d+)\./);
  }

  async kill(): Promise<void> {
    this.kills += 1;
    await this.#program?.kill();
  }

  /**
   * What the device's program answers; rejects when it died.
   *
   * @throws Refused when its database refused.
   */
  async ask(verb: string, question: object = {}): Promise<Record<string, unknown>> {
    const port = /asked at (\d+)\./.exec(this.#program?.stdout ?? '')?.[1];
    if (port === undefined) throw new Error('it does not run');
    const url = `http://127.0.0.1:${port}/`;
    const { status, text, json } = await callApi({ url, body: { verb, ...question } });
    if (status !== 200) throw new Refused(`${this.id}: ${verb} ${JSON.stringify(question)}: ${text}`);
    return json;
  }

  /** How often it acted on each Command. */
  async acted(): Promise<Map<string, number>> {
    const runs = new Map<string, number>();
    for (const id of (await readFile(this.#notes, 'utf8')).split('\n').filter(Boolean)) {
      runs.set(id, (runs.get(id) ?? 0) + 1);
    }
    return runs;
  }

  /** The items of these models, as `ioto db export` of the running agent says. */
  async exported(models: readonly string[]): Promise<Record<string, unknown>[]> {
    const { config, state } = this.files;
    const args = ['--config', config, '--state', state, 'db', 'export', ...models, '--json', '--hidden'];
    const { code, stdout, stderr } = await runProgram('ioto', args);
    if (code !== 0) throw new Error(`ioto db export exited with ${code}: ${stderr}`);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.kill();
    await this.proxy[Symbol.asyncDispose]();
  }
}
