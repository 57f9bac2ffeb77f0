import coerce from 'semver/functions/coerce.js';
import compareVersions from 'semver/functions/compare.js';
import isVersion from 'semver/functions/valid.js';
import { parsePolicy } from './policy-expression.ts';
import type { UpdateRecord } from './update-record.ts';

/**
 * The update that a device is to have: of those that are enabled, newer than what it runs and by their policy for it, the
 * one with the highest version. A device that does not say which version it runs gets none.
 */
export function chooseUpdate(
  updates: readonly UpdateRecord[],
  device: Readonly<Record<string, unknown>> & { version: string },
): UpdateRecord | undefined {
  const running = versionOf(device.version);
  if (running === undefined) return undefined;
  return updates
    .filter(({ enabled, version }) => enabled && compareVersions(version, running) > 0)
    .sort((left, right) => compareVersions(right.version, left.version))
    .find(({ policy }) => parsePolicy(policy)(device));
}

/** Devices of the field say 1.0 too. */
function versionOf(text: string): string | undefined {
  return isVersion(text) ?? coerce(text)?.version;
}
