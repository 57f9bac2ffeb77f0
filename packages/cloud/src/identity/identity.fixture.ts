import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { AuditLog } from '../audit/audit-log.ts';
import { HttpService } from '../http/http-service.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { buildIdentity } from './build-identity.ts';

export const ADMIN_KEY = 'ioto_admin_of-this-test';

/** Identity with its routes, on a real store and a clock that only the test moves. */
export async function identityWorld() {
  const temporary = await tempStore();
  const { store } = temporary;
  const clock = new VirtualClock();
  const audit = new AuditLog({ store, clock });
  const identity = buildIdentity({ store, clock, audit, adminKey: () => ADMIN_KEY });
  const http = new HttpService({ clock, logger: silentLogger, api: identity.routes, root: [] });
  await http.start();
  /** The status and body of a call; `token` defaults to the admin key. */
  const call = async (path: string, body: object, token: string = ADMIN_KEY) => {
    const answer = await http.app.inject({
      method: 'POST',
      url: `/api${path}`,
      headers: { authorization: `bearer ${token}` },
      payload: body,
    });
    return { status: answer.statusCode, body: answer.json() as Record<string, never> };
  };
  return {
    ...identity,
    ...{ store, clock, audit, call },
    async [Symbol.asyncDispose]() {
      await http.stop();
      await temporary[Symbol.asyncDispose]();
    },
  };
}
