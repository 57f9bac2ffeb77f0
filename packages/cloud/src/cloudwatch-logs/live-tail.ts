import { randomUUID } from 'node:crypto';
import type { Clock } from '@ioto/runtime';
import type { FastifyRequest } from 'fastify';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import { awsError } from '../aws-http/aws-error.ts';
import type { AwsStream, Objection } from '../aws-http/json-target.ts';
import type { LogStore } from '../ports/log-store.ts';
import { invalidParameter } from './errors.ts';
import { compilePattern } from './filter-pattern/compile.ts';
import { logNames } from './log-names.ts';
import { isOwnStream, type LogRights } from './log-rights.ts';
import { optionalText, optionalTexts, unsatisfied } from './parameters.ts';
import { TailSession, tailLimits } from './tail-session.ts';
import { Turns } from './turns.ts';

/** Sessions of one account at once. */
const MOST_SESSIONS = 15;
const MOST_GROUPS = 10;

export interface LiveTailOptions {
  store: LogStore;
  rights: LogRights;
  region: () => string;
  clock: Clock;
}

/** StartLiveTail: an answer that goes on with what arrives. */
export class LiveTail {
  readonly #options: LiveTailOptions;
  readonly #sessions = new Map<string, Set<TailSession>>();
  readonly #turns = new Turns();

  constructor(options: LiveTailOptions) {
    this.#options = options;
  }

  async start(
    input: Readonly<Record<string, unknown>>,
    caller: AwsCaller,
    objection: Objection,
    request?: FastifyRequest,
  ): Promise<AwsStream> {
    const { store, rights, clock } = this.#options;
    const place = { region: this.#options.region(), accountId: caller.accountId };
    const identifiers = optionalTexts(input, 'logGroupIdentifiers', { longest: 2048, most: MOST_GROUPS });
    if (!identifiers) throw unsatisfied('null', 'logGroupIdentifiers', 'Member must not be null');
    const groups = new Map(
      identifiers.map((text) => [logNames.groupOf(text, 'logGroupIdentifiers', place), text]),
    );
    const rule = { ...logNames.streamRule, most: 100 };
    const names = optionalTexts(input, 'logStreamNames', rule);
    const prefixes = optionalTexts(input, 'logStreamNamePrefixes', rule);
    if (names && prefixes) {
      throw invalidParameter('logStreamNames and logStreamNamePrefixes cannot be given both');
    }
    if ((names || prefixes) && groups.size > 1) {
      throw invalidParameter('log streams can be named for one log group only');
    }
    for (const group of groups.keys()) {
      rights.toRead(caller, 'StartLiveTail', group, names ?? prefixes ?? []);
      await store.group(caller.accountId, group);
    }
    const pattern = optionalText(input, 'logEventFilterPattern', { longest: 1024, shortest: 0 });
    const isShown = (stream: string) => caller.kind === 'tool' || isOwnStream(caller.deviceId, stream);
    const session = new TailSession({
      sessionId: randomUUID(),
      asked: {
        logGroupIdentifiers: identifiers,
        logStreamNames: names,
        logStreamNamePrefixes: prefixes,
        logEventFilterPattern: pattern,
      },
      groupIdentifier: (group) => groups.get(group) ?? group,
      accepts: (stream) =>
        isShown(stream) &&
        (names?.includes(stream) ?? prefixes?.some((prefix) => stream.startsWith(prefix)) ?? true),
      matcher: compilePattern(pattern ?? ''),
      clock,
      until: Math.min(clock.now() + tailLimits.life, caller.expires ?? Number.POSITIVE_INFINITY),
      objection,
      turns: this.#turns,
    });
    await this.#run(session, caller.accountId, [...groups.keys()], request);
    return { contentType: 'application/vnd.amazon.eventstream', stream: session.stream };
  }

  /** Ends all sessions. */
  stop(): void {
    for (const sessions of this.#sessions.values()) for (const session of sessions) session.end();
  }

  async #run(
    session: TailSession,
    accountId: string,
    groups: readonly string[],
    request: FastifyRequest | undefined,
  ): Promise<void> {
    const own = this.#sessions.get(accountId) ?? new Set();
    if (own.size >= MOST_SESSIONS) {
      throw awsError(
        'LimitExceededException',
        `Resource limit exceeded: ${MOST_SESSIONS} live tail sessions.`,
      );
    }
    this.#sessions.set(accountId, own.add(session));
    const ends: (() => void)[] = [];
    const over = () => {
      for (const end of ends) end();
      own.delete(session);
      if (own.size === 0) this.#sessions.delete(accountId);
    };
    session.stream.once('close', over);
    try {
      for (const group of groups) {
        const saw = session.saw.bind(session, group);
        ends.push(await this.#options.store.tail(accountId, group, saw));
      }
    } catch (error) {
      over();
      throw error;
    }
    request?.gone.addEventListener('abort', () => session.stream.destroy(), { once: true });
    session.start();
  }
}
