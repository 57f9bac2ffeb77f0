import { type CodedError, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { SimulatedDisk } from '../../../database/src/journal/simulated-disk.fixture.ts';
import { AuditLog } from '../audit/audit-log.ts';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { AwsStream, JsonTarget } from '../aws-http/json-target.ts';
import type { Account } from '../identity/accounts.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { LmdbItemStore } from '../platform/embedded/lmdb-item-store.ts';
import { EmbeddedLogStore, type LogStoreLimits } from '../platform/embedded/log-store/log-store.ts';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { Groups } from './groups.ts';
import { LiveTail } from './live-tail.ts';
import { LogRights } from './log-rights.ts';
import { LogSearches } from './log-searches.ts';
import { logsTarget } from './operations.ts';
import { type LogListener, PutLogEvents } from './put-log-events.ts';
import { ReadEvents } from './read-events.ts';

export const REGION = 'local';
export const ACCOUNT = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

export const tool = (role: 'admin' | 'user' | 'viewer', accountId = ACCOUNT): AwsCaller => ({
  ...{ kind: 'tool', accountId, role, sponsor: { by: 'admin' }, sessionId: 'tool' },
  ...{ expires: Number.MAX_SAFE_INTEGER, rights: everyRight },
});

export const device = (deviceId: string, accountId = ACCOUNT): AwsCaller => ({
  ...{ kind: 'device', deviceId, accountId, generation: 1, dialect: 'current' },
  rights: { ...everyRight, mayConnect: () => true },
});

/** What the operations of CloudWatch Logs stand on: a real store of items, and log files on a disk in memory. */
export class LogsWorld {
  readonly clock = new VirtualClock();
  readonly items: LmdbItemStore;
  readonly heard: Parameters<LogListener>[0][] = [];
  disk = new SimulatedDisk();
  store: EmbeddedLogStore;
  account: Partial<Account> = {};
  diskSize = { size: 2 ** 40, free: 2 ** 39 };
  /** Why callers have to go, if they have. */
  objection: string | undefined;
  #target: JsonTarget;
  readonly #limits: Partial<LogStoreLimits>;
  readonly #leave: () => Promise<void>;

  private constructor(items: LmdbItemStore, limits: Partial<LogStoreLimits>, leave: () => Promise<void>) {
    this.items = items;
    this.#limits = limits;
    this.#leave = leave;
    this.store = this.#newStore();
    this.#target = this.#newTarget();
  }

  static async create(limits: Partial<LogStoreLimits> = {}): Promise<LogsWorld> {
    const temporary = await tempStore();
    const world = new LogsWorld(temporary.store, limits, async () => temporary[Symbol.asyncDispose]());
    await world.store.start();
    return world;
  }

  /** Ends without a word, and begins again on the disk as the power cut has left it. */
  async crash(random: () => number): Promise<void> {
    this.disk = this.disk.crash(random);
    this.store = this.#newStore();
    this.#target = this.#newTarget();
    await this.store.start();
  }

  /** Runs an operation as `POST /` does. */
  async call(
    name: string,
    input: object,
    caller: AwsCaller = tool('admin'),
  ): Promise<Record<string, unknown>> {
    const operation = this.#target.operations[name];
    if (!operation) throw new Error(`there is no ${name}`);
    const objection = async () => this.objection;
    const answer = await operation.handle(input as never, caller, undefined as never, objection);
    return answer as Record<string, unknown>;
  }

  async tail(input: object, caller?: AwsCaller): Promise<AwsStream> {
    return (await this.call('StartLiveTail', input, caller)) as unknown as AwsStream;
  }

  /** The code and the words of a refusal. */
  async refusal(name: string, input: object, caller?: AwsCaller): Promise<[code: string, message: string]> {
    const error = await this.call(name, input, caller).then(
      () => undefined,
      (thrown) => thrown as CodedError,
    );
    return [error?.code ?? 'none', error?.message ?? ''];
  }

  /** A group with one stream. */
  async stream(logGroupName = 'ioto', logStreamName = 'LAMP'): Promise<object> {
    await this.call('CreateLogGroup', { logGroupName });
    await this.call('CreateLogStream', { logGroupName, logStreamName });
    return { logGroupName, logStreamName };
  }

  /** Events a millisecond apart, up to now. */
  events(...messages: string[]): { timestamp: number; message: string }[] {
    const first = this.clock.now() - messages.length + 1;
    return messages.map((message, index) => ({ timestamp: first + index, message }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.stop();
    await this.#leave();
  }

  #newStore(): EmbeddedLogStore {
    const { disk: files, items: store, clock } = this;
    return new EmbeddedLogStore({
      ...{ directory: '/logs', files, store, clock, logger: silentLogger, limits: this.#limits },
      diskSize: async () => this.diskSize,
    });
  }

  #newTarget(): JsonTarget {
    const { store, clock } = this;
    const region = () => REGION;
    const accounts = { get: async () => this.account as Account };
    const rights = new LogRights({ accounts, region });
    return logsTarget({
      groups: new Groups({ store, rights, region, audit: new AuditLog({ store: this.items, clock }) }),
      put: new PutLogEvents({
        ...{ store, rights, clock, listeners: [(put) => this.heard.push(put)] },
        rate: new TokenBuckets({ clock, rule: { burst: 3 * 1024 * 1024, period: 1000 } }),
      }),
      read: new ReadEvents({ searches: new LogSearches(store), rights, region }),
      tail: new LiveTail({ store, rights, region, clock }),
    });
  }
}
