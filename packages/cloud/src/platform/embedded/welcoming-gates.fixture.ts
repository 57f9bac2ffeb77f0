import type { DeviceGate, ToolGate } from '../../ports/device-endpoint.ts';
import { everyRight } from '../../ports/every-right.fixture.ts';
import { toolSessionId } from '../../tools/tool-door.ts';

/** A domain that welcomes every device which comes with a credential. */
export const welcomingGate: DeviceGate = {
  limitExceeded: () => undefined,
  admit: async () => ({ admitted: false, reason: 'not asked' }),
  admitBearer: async (bearer) => ({
    admitted: true,
    principal: { ...bearer, dialect: 'current', rights: everyRight },
  }),
  connected: async () => undefined,
  disconnected: async () => undefined,
  received: async () => undefined,
};

/** The same for tools. */
export const welcomingTools: ToolGate = {
  admit: async (bearer, expires, clientId) => {
    const sessionId = toolSessionId(bearer.accountId, clientId);
    return { admitted: true, principal: { ...bearer, expires, rights: everyRight, sessionId } };
  },
  connected: () => undefined,
  disconnected: () => undefined,
  received: async () => undefined,
  receivesOf: () => () => true,
};
