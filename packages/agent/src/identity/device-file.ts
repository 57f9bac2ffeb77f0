import { join } from 'node:path';
import { readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import { blend, type Properties } from '../config-loading/blend.ts';
import type { Directories } from '../config-loading/directories.ts';
import { parseJson5, updateJson5 } from '../config-loading/json5.ts';

/**
 * Blends properties into `@state/config/device.json5`, durably and with its comments kept. `spelling` is the name that
 * the claim ID goes by in the files of this device (Ioto contract §2).
 */
export async function saveDevice(
  directories: Directories,
  { id, ...properties }: Properties & { id: string },
  spelling: 'id' | 'claim',
): Promise<void> {
  const path = join(directories.stateConfig, 'device.json5');
  const text = await readTextIfPresent(path);
  const present = text === undefined ? {} : parseJson5(text, path);
  const device = blend(present, { [spelling]: id, ...properties });
  if (JSON.stringify(device) === JSON.stringify(present)) return;
  await writeFileDurably(
    path,
    text === undefined ? `${JSON.stringify(device, null, 2)}\n` : updateJson5(text, device),
  );
}
