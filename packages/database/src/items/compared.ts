import type { Model } from '../schema/model.ts';

/** Taken from the certificate: whatever else a partition's key says, nobody else knows of. */
const OWNERSHIP = ['accountId', 'deviceId'];

/**
 * Whether a device's table of the model is to be the same as what the cloud has for it. Not where items go by themselves at
 * one end (a Command that was delivered, `keep`, a time to live that does not travel), where another rule holds for each
 * field (Device), or where the cloud cannot tell whose an item is.
 */
export function isCompared(model: Model): boolean {
  const { name, sync, keep, ttl, keyVariables, hashVariables } = model;
  if (sync === 'none' || name === 'Device' || name === 'Command') return false;
  if (keep !== undefined || ttl?.local) return false;
  if (!hashVariables.every((each) => OWNERSHIP.includes(each))) return false;
  const isOfAccount = keyVariables.includes('accountId') && !keyVariables.includes('deviceId');
  return sync !== 'up' || !isOfAccount;
}
