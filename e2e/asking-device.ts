import { fileURLToPath } from 'node:url';
import { type DeviceFiles, Program } from '@ioto/testkit';

const SCRIPT = fileURLToPath(new URL('./devices/asking-device.mjs', import.meta.url));

export interface Asked {
  status?: number;
  text?: string;
  code?: string;
  message?: string;
}

/** Makes one HTTP call from within a device's own program and resolves what came of it. */
export async function askFromDevice(device: DeviceFiles, url: string, options: object = {}): Promise<Asked> {
  await using program = Program.spawnScript(SCRIPT, [device.config, device.state], {
    stdin: `${JSON.stringify({ url, options })}\n`,
  });
  const [, json = ''] = await program.waitFor(/^(?:answer|failed) (.*)\n/m);
  return JSON.parse(json);
}
