import { DEVICE_DIMENSION, type MetricDimensions } from '@ioto/protocol';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';

/** Viewers read, users write too; a device does both for itself, as by `metric/set`: the dimension Device names no other. */
export function requireMetricRight(
  caller: AwsCaller,
  action: 'read' | 'write' | 'list',
  dimensions: readonly MetricDimensions[] = [],
): void {
  if (caller.kind === 'tool') {
    if (action === 'write' && caller.role === 'viewer') throw denied('write', 'a viewer reads metrics alone');
    return;
  }
  if (action === 'list') throw denied('list', 'a device sees the metrics that it knows the names of');
  for (const each of dimensions) {
    const device = Object.hasOwn(each, DEVICE_DIMENSION) ? each[DEVICE_DIMENSION] : caller.deviceId;
    if (device !== caller.deviceId) {
      throw denied(action, `the dimension ${DEVICE_DIMENSION} names another device than ${caller.deviceId}`);
    }
  }
}

function denied(action: string, why: string): Error {
  return awsError('AccessDeniedException', `The caller may not ${action} here: ${why}.`, {
    status: 403,
    details: { queryCode: 'AccessDenied' },
  });
}
