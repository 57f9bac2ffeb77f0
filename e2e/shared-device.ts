import { fileURLToPath } from 'node:url';
import { callApi, type DeviceFiles, Program } from '@ioto/testkit';

const SCRIPT = fileURLToPath(new URL('./devices/shared-device.mjs', import.meta.url));

/** A device whose own program reads and writes its database as the test says. */
export class SharedDevice {
  readonly program: Program;

  constructor({ config, state }: DeviceFiles) {
    this.program = Program.spawnScript(SCRIPT, [config, state]);
  }

  /** What the database answers; null for nothing. */
  async ask(
    verb: 'upsert' | 'remove' | 'get',
    model: string,
    properties: object,
  ): Promise<Record<string, unknown> | null> {
    const [, port] = await this.program.waitFor(/asked at (\d+)\./);
    const { status, text } = await callApi({
      url: `http://127.0.0.1:${port}/`,
      body: { verb, model, properties },
    });
    if (status !== 200) throw new Error(text);
    return JSON.parse(text) as Record<string, unknown> | null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.kill();
  }
}
