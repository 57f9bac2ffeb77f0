import type { DeviceClientRights } from './device-endpoint.ts';

/** Of a client whose rights a test is not about. */
export const everyRight: DeviceClientRights = {
  mayConnect: () => true,
  mayAssumeRole: () => true,
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
  mayRetain: () => true,
};
