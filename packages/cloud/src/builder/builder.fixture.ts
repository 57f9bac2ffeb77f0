import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { SIGNATURE_HEADER, signRequest } from '@ioto/protocol';
import { type Logger, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { AuditLog } from '../audit/audit-log.ts';
import { createGuards } from '../http/guards.ts';
import { HttpService } from '../http/http-service.ts';
import { BearerAuthenticator } from '../identity/authenticator.ts';
import { Passwords } from '../identity/passwords.ts';
import { Tokens } from '../identity/tokens.ts';
import { Users } from '../identity/users.ts';
import type { BucketRule } from '../limits/token-bucket.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { buildBuilder } from './build-builder.ts';

export const ADMIN_KEY = 'ioto_admin_of-this-test';

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** A builder with its routes, on a real store and a clock that only the test moves. */
export async function builderWorld(options: { newcomers?: BucketRule } = {}) {
  const temporary = await tempStore();
  const { store } = temporary;
  const clock = new VirtualClock();
  const audit = new AuditLog({ store, clock });
  const tokens = new Tokens({ store, clock });
  const users = new Users({ store, clock, audit, passwords: new Passwords() });
  const guards = createGuards(new BearerAuthenticator({ tokens, users, adminKey: () => ADMIN_KEY }));
  const sealingKey = randomBytes(32);
  const secrets = { secret: async () => sealingKey };
  const logged: string[] = [];
  const note = (facts: object | string) => void logged.push(JSON.stringify(facts));
  const logger: Logger = { ...silentLogger, info: note, warn: note };
  const builder = buildBuilder({ store, clock, logger, audit, guards, secrets, ...options });
  const http = new HttpService({ clock, logger: silentLogger, api: builder.routes, root: [] });
  for (const component of builder.components) await component.start(new AbortController().signal);
  await http.start();

  async function call(path: string, token: string, body: object, headers = {}): Promise<Answer> {
    const answer = await http.app.inject({
      method: 'POST',
      url: `/api${path}`,
      headers: {
        authorization: `bearer ${token}`,
        'content-type': 'application/json',
        'ioto-agent': '2',
        ...headers,
      },
      payload: JSON.stringify(body),
    });
    return { status: answer.statusCode, body: answer.json() };
  }

  return {
    ...{ store, clock, audit, tokens, builder, call, logged },
    admin: (path: string, body: object) => call(path, ADMIN_KEY, body),
    /** A call that a device signs with its key. */
    signed(path: string, token: string, body: object, key: KeyObject) {
      const parts = { method: 'POST', path: `/api${path}`, body: JSON.stringify(body) };
      return call(path, token, body, { [SIGNATURE_HEADER]: signRequest(parts, key, clock.now()) });
    },
    /** A device cloud that the builder knows, at an address. */
    async cloud(name = 'Cloud'): Promise<{ id: string; key: string }> {
      const { cloud, key } = await builder.clouds.create({ name });
      await builder.clouds.register(cloud.id, {
        name,
        type: 'dedicated',
        region: 'eu',
        api: `https://${name}/api`,
      });
      return { id: cloud.id, key };
    },
    async [Symbol.asyncDispose]() {
      await http.stop();
      for (const component of builder.components) await component.stop();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

export type BuilderWorld = Awaited<ReturnType<typeof builderWorld>>;

/** An identity key, as an agent makes one. */
export function newIdentity(): { privateKey: KeyObject; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}
