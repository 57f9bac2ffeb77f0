import { CodedError, isCodedError } from '@ioto/runtime';
import { Type } from 'typebox';
import { accountOf, type Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { nameOfPrincipal } from '../http/principal.ts';
import { verbs } from '../http/verbs.ts';
import type { LogMatcher, LogStore } from '../ports/log-store.ts';
import { compilePattern } from './filter-pattern/compile.ts';
import { type Groups, RETENTION_DAYS } from './groups.ts';
import { type LogSearches, readLimits } from './log-searches.ts';
import { listToken, pageToken } from './page-tokens.ts';

export interface LogRoutesCapabilities {
  store: LogStore;
  searches: LogSearches;
  groups: Pick<Groups, 'remove'>;
  guards: Guards;
}

const accountId = Type.Optional(Type.String({ maxLength: 64 }));
const group = Type.String({ minLength: 1, maxLength: 512 });
const name = Type.Optional(Type.String({ minLength: 1, maxLength: 512 }));
const next = Type.Optional(Type.String({ maxLength: 4096 }));
const time = Type.Optional(Type.Integer({ minimum: 0, description: 'milliseconds since 1970' }));
const limit = (most: number) => Type.Optional(Type.Integer({ minimum: 1, maximum: most }));

/** `POST {api}/log/{find,streams,filter,retain,remove}`: logs of an account, for people and their tools. */
export function logRoutes(app: HttpApp, { store, searches, groups, guards }: LogRoutesCapabilities): void {
  const post = verbs(app, guards);

  const Find = Type.Object({ accountId, prefix: name, next, limit: limit(1000) });
  post('/log/find', 'viewer', Find, async (body, request) => {
    const { prefix, limit = 1000 } = body;
    const after = body.next === undefined ? undefined : inOurWords(() => listToken.name(body.next as string));
    const page = await store.groups(accountOf(request, body.accountId), { prefix, after, limit });
    return { items: page.groups, ...(page.next === undefined ? {} : { next: listToken.of(page.next) }) };
  });

  const Streams = Type.Object({ accountId, group, prefix: name, next, limit: limit(1000) });
  post('/log/streams', 'viewer', Streams, async (body, request) => {
    const { prefix, limit = 1000 } = body;
    const skip = body.next === undefined ? 0 : inOurWords(() => listToken.count(body.next as string));
    const query = { prefix, skip, limit };
    const { streams, more } = await store.streams(accountOf(request, body.accountId), body.group, query);
    return { items: streams, ...(more ? { next: listToken.of(skip + limit) } : {}) };
  });

  const Filter = Type.Object({
    ...{ accountId, group, stream: name, prefix: name, from: time, to: time, next },
    pattern: Type.Optional(
      Type.String({ maxLength: 1024, description: 'filter pattern of CloudWatch Logs' }),
    ),
    latestFirst: Type.Optional(Type.Boolean()),
    limit: limit(readLimits.events),
  });
  post('/log/filter', 'viewer', Filter, async (body, request) => {
    const { stream, prefix, from = 0, to = Number.MAX_SAFE_INTEGER, limit = 1000 } = body;
    const start =
      body.next === undefined ? undefined : inOurWords(() => pageToken.parse(body.next as string));
    const backward = start?.backward ?? body.latestFirst ?? false;
    const matcher: LogMatcher | undefined = inOurWords(() => compilePattern(body.pattern ?? ''));
    const page = await searches.read(accountOf(request, body.accountId), body.group, {
      ...{ from, to, limit, backward, matcher, after: start?.position, signal: request.gone },
      ...(stream === undefined ? {} : { streams: [stream] }),
      ...(prefix === undefined ? {} : { accepts: (each: string) => each.startsWith(prefix) }),
    });
    return {
      items: page.events.map(({ position: _, ...event }) => event),
      ...(page.next ? { next: pageToken.of({ position: page.next, backward }) } : {}),
    };
  });

  const days = Type.Optional(Type.Union(RETENTION_DAYS.map((each) => Type.Literal(each))));
  post('/log/retain', 'admin', Type.Object({ accountId, group, days }), async (body, request) => {
    const account = accountOf(request, body.accountId);
    await store.retain(account, body.group, body.days);
    return store.group(account, body.group);
  });

  post('/log/remove', 'admin', Type.Object({ accountId, group }), async (body, request) => {
    const account = accountOf(request, body.accountId);
    await groups.remove(account, body.group, nameOfPrincipal(request.principal));
    return {};
  });
}

/** A pattern or token is refused with the code that all of this API has for it. */
function inOurWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isCodedError(error, 'InvalidParameterException')) throw error;
    throw new CodedError('REQUEST_INVALID', error.message, { status: 400, cause: error });
  }
}
