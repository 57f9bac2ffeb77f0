import type { ClientRights } from './device-endpoint.ts';

/** Of a client whose rights a test is not about. */
export const everyRight: ClientRights = {
  mayConnect: () => true,
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
  mayRetain: () => true,
};
