import { jobTopic } from '@ioto/protocol';
import { Emitter, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import type { Checkpoint } from '../src/agent.ts';
import type { AgentEvents } from '../src/agent-events.ts';
import { StatusBoard } from '../src/agent-status.ts';
import { layOutDirectories } from '../src/config-loading/directories.ts';
import { makeSettings } from '../src/config-loading/settings.ts';
import type { ProgramLog, Updates } from '../src/service-apis.ts';
import { JobCloud } from '../src/services/jobs/job-cloud.ts';
import { JobJournal } from '../src/services/jobs/journal.ts';
import { type DeedParts, performer } from '../src/services/jobs/perform.ts';
import { JobService } from '../src/services/jobs/service.ts';
import { powerCutAt } from './power-cut.ts';
import { Directory, until } from './world.ts';

const ID = 'JT08FFQXWQ';

export interface Report {
  jobId: string;
  status: string;
  statusDetails: Record<string, string>;
}

/** The service of a device, and a cloud that has jobs for it. */
export class JobsWorld {
  readonly clock = new VirtualClock(Date.now());
  readonly queue: { jobId: string; document: unknown }[] = [];
  readonly reports: Report[] = [];
  readonly told: [name: string, payload: object][] = [];
  readonly log: ProgramLog = {
    level: 'info',
    recent: () => ['a line', 'the last'],
    attach: () => () => undefined,
  };
  /** Topics of the questions that were asked. */
  readonly asked: string[] = [];
  /** What reports are rejected with, by job. */
  readonly rejects = new Map<string, string>();
  cloud: 'answers' | 'is silent' | 'hangs up' = 'answers';
  accountId = 'a';
  isCloudOurs = true;
  updates: Updates | undefined;
  events!: Emitter<AgentEvents>;
  service!: JobService;
  cutAt: Checkpoint | undefined;
  cut: Promise<void> = Promise.resolve();
  readonly #directory: Directory;
  readonly #settings: Record<string, unknown>;

  private constructor(directory: Directory, settings: Record<string, unknown>) {
    this.#directory = directory;
    this.#settings = settings;
  }

  static async create(settings: Record<string, unknown> = {}): Promise<JobsWorld> {
    const world = new JobsWorld(await Directory.create(), settings);
    await world.restart();
    return world;
  }

  /** The agent is gone, and comes back without a connection. */
  async restart(settings = this.#settings): Promise<void> {
    await Promise.race([this.service?.stop(), this.cut]);
    const { clock, log } = this;
    const directories = layOutDirectories({ state: this.#directory.path }, {});
    const events = new Emitter<AgentEvents>((_event, error) => {
      throw error;
    });
    this.events = events;
    for (const name of ['job:started', 'job:ended', 'device:reboot', 'service:unavailable'] as const) {
      events.on(name, (payload) => this.told.push([name, payload]));
    }
    const { accountId, isCloudOurs, updates } = this;
    const provisionFile = { record: { accountId }, isCloudOurs } as DeedParts['provisionFile'];
    const parts: DeedParts = {
      ...{
        clock,
        events,
        directories,
        provisionFile,
        updates,
        options: { log },
        board: new StatusBoard(events),
      },
      settings: makeSettings(settings, () => 'test'),
      plan: { on: new Set(['jobs']), serialize: 'auto', warnings: [] },
      serverTime: { now: () => clock.now() } as DeedParts['serverTime'],
    };
    this.service = new JobService({
      ...{ clock, logger: silentLogger, events, provisionFile, random: () => 0.5 },
      checkpoint: this.#checkpointOf(),
      cloud: (notified) => new JobCloud({ clock, id: ID, timeout: 30_000, notified }),
      journal: new JobJournal(directories.db),
      perform: performer(parts),
    });
    await this.service.start();
    events.emit('local:ready', { id: ID });
  }

  #checkpointOf() {
    const { cut, checkpoint } = powerCutAt(this.cutAt);
    this.cut = cut;
    this.cutAt = undefined;
    return checkpoint;
  }

  async connect(accountId = this.accountId): Promise<void> {
    await this.service.prepare({ id: ID, accountId });
    this.service.connected((topic, payload) => this.#answer(topic, payload));
  }

  disconnect(): void {
    this.service.disconnected();
  }

  notify(): void {
    this.service.cloud.received(jobTopic.notifyNext(ID), Buffer.from('{}'));
  }

  /** A job is there, and the device hears of it. */
  give(document: unknown, jobId = `job-${this.queue.length + this.reports.length}`): void {
    this.queue.push({ jobId, document });
    this.notify();
  }

  /** A file of the state directory, where programs run. */
  read(name: string): Promise<string> {
    return this.#directory.read(name);
  }

  at(name: string): string {
    return this.#directory.at(name);
  }

  /** The report that a job ends with. */
  async reported(count = 1): Promise<Report> {
    await until(() => this.reports.length >= count);
    return this.reports.at(-1) as Report;
  }

  async #answer(topic: string, payload: string): Promise<void> {
    this.asked.push(topic);
    if (this.cloud === 'hangs up') this.disconnect();
    if (this.cloud !== 'answers') return;
    const { clientToken, ...body } = JSON.parse(payload);
    const [jobId = '', verb] = topic.slice(jobTopic.all(ID).length).split('/');
    const say = (end: string, fields: object) =>
      setImmediate(() =>
        this.service.cloud.received(
          `${topic}/${end}`,
          Buffer.from(JSON.stringify({ ...fields, clientToken })),
        ),
      );
    const at = this.queue.findIndex((job) => job.jobId === jobId);
    if (verb === undefined) {
      const [next] = this.queue;
      say(
        'accepted',
        next ? { execution: { jobId: next.jobId, executionNumber: 1, jobDocument: next.document } } : {},
      );
    } else if (verb === 'get') {
      say(at < 0 ? 'rejected' : 'accepted', at < 0 ? { code: 'TerminalStateReached' } : {});
    } else {
      this.reports.push({ jobId, ...body });
      const code = this.rejects.get(jobId) ?? (at < 0 ? 'InvalidStateTransition' : undefined);
      this.rejects.delete(jobId);
      if (!code) this.queue.splice(at, 1);
      say(code ? 'rejected' : 'accepted', code ? { code, message: 'no' } : {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.race([this.service.stop(), this.cut]);
    await this.#directory[Symbol.asyncDispose]();
  }
}
