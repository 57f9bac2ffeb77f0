import { jobTopic } from '@ioto/protocol';
import { type Component, isoTime, silentLogger } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { AuditLog } from '../audit/audit-log.ts';
import { DeviceDirectory } from '../devices/device-directory.ts';
import { deviceKey } from '../devices/device-item.ts';
import { DeviceRecords } from '../devices/device-records.ts';
import { FakeEndpoint } from '../devices/device-world.fixture.ts';
import { LmdbItemStore } from '../platform/embedded/lmdb-item-store.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { DeviceJobs } from './device-jobs.ts';
import { JobDesk, type JobOrder } from './job-desk.ts';
import { JobMessages } from './job-messages.ts';
import { JobRecords } from './job-records.ts';
import { JobTasks } from './job-tasks.ts';
import { jobTimeouts } from './job-timeouts.ts';

export const ACCOUNT = '01J0000000000000000000000A';
const scope = { accountId: ACCOUNT, actor: 'user:U' };

type Answer = Record<string, unknown> & { outcome: 'accepted' | 'rejected' };

/** Jobs of one account with devices that a test names, on a real store, with a clock that it moves. */
export class JobsWorld {
  readonly clock = new VirtualClock();
  readonly endpoint = new FakeEndpoint();
  readonly store: LmdbItemStore;
  readonly audit: AuditLog;
  desk!: JobDesk;
  tasks!: JobTasks;
  deviceJobs!: DeviceJobs;
  #messages!: JobMessages;
  #components: Component[] = [];
  readonly #directory: TempDirectory;
  readonly #records: DeviceRecords;

  private constructor(directory: TempDirectory) {
    this.#directory = directory;
    this.store = new LmdbItemStore({ directory: directory.at('items'), logger: silentLogger });
    this.#records = new DeviceRecords(this.store);
    this.audit = new AuditLog({ store: this.store, clock: this.clock });
    this.endpoint.hasSubscribers = () => true;
  }

  static async create(devices: Record<string, string> = { D1: 'lamp' }): Promise<JobsWorld> {
    const world = new JobsWorld(await TempDirectory.create());
    await world.store.start();
    for (const [id, product] of Object.entries(devices)) await world.claim(id, product);
    await world.restart();
    return world;
  }

  /** The program is gone, and comes back. */
  async restart(): Promise<void> {
    for (const component of this.#components) await component.stop();
    const { store, clock, endpoint, audit } = this;
    const logger = silentLogger;
    const records = new JobRecords(store);
    this.deviceJobs = new DeviceJobs({ store, records, endpoint, clock });
    const { deviceJobs } = this;
    const devices = this.#records;
    const directory = new DeviceDirectory({ store, records: devices, clock });
    this.tasks = new JobTasks({ store, records, deviceJobs, directory, devices, clock, logger });
    this.desk = new JobDesk({ store, records, devices, tasks: this.tasks, audit, clock });
    this.#messages = new JobMessages({ deviceJobs, endpoint, clock, logger });
    this.#components = [this.tasks, jobTimeouts({ store, deviceJobs, clock, logger })];
    for (const component of this.#components) await component.start(new AbortController().signal);
  }

  /** The account has claimed a device. */
  async claim(deviceId: string, product = 'lamp'): Promise<void> {
    const now = isoTime(this.clock);
    const facts = { deviceId, accountId: ACCOUNT, generation: 1, changed: now, product };
    const device = { _type: 'Device', id: deviceId, accountId: ACCOUNT, product, created: now };
    await this.store.write([
      this.#records.putOwnership({ ...facts, state: 'claimed' }),
      { put: { ...deviceKey(ACCOUNT, deviceId), ...device } },
    ]);
  }

  /** The account has released a device, and nothing of its jobs is cleared up yet. */
  async release(deviceId: string): Promise<void> {
    const facts = { deviceId, accountId: ACCOUNT, generation: 2, changed: isoTime(this.clock) };
    await this.store.write([
      this.#records.putOwnership({ ...facts, state: 'released' }),
      { remove: deviceKey(ACCOUNT, deviceId) },
    ]);
  }

  /** Holds up what is put into the queues of devices; `begun` resolves with the first. */
  holdUp(): { begun: Promise<void>; goOn: () => void } {
    const { deviceJobs } = this;
    const { queued } = deviceJobs;
    let goOn = () => {};
    let begin = () => {};
    const going = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    deviceJobs.queued = async (device, queue) => {
      begin();
      await going;
      await queued.call(deviceJobs, device, queue);
    };
    return { begun, goOn };
  }

  create(order: Partial<JobOrder> = {}) {
    return this.desk.create(scope, { document: { do: 'it' }, targets: { all: true }, ...order });
  }

  cancel(jobId: string, force = false) {
    return this.desk.cancel(scope, jobId, force);
  }

  remove(jobId: string, force = false) {
    return this.desk.remove(scope, jobId, force);
  }

  /** What a device is told when it asks; what it is notified of meanwhile stays in `endpoint.sent`. */
  async ask(path: string, body: object | string = {}, deviceId = 'D1'): Promise<Answer> {
    const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const facts = { generation: 1, serial: '', dialect: 'current', rights: everyRight } as const;
    const from = { kind: 'device', deviceId, accountId: ACCOUNT, ...facts } as const;
    await this.#messages.receive({ from, thing: deviceId, path: path.split('/'), payload });
    const sent = this.endpoint.sent;
    const at = sent.findIndex(({ topic }) => /\/(accepted|rejected)$/.test(topic));
    const [answer] = sent.splice(at, 1);
    if (!answer?.topic.startsWith(`${jobTopic.all(deviceId)}${path}/`)) throw new Error('no answer');
    return { ...JSON.parse(answer.body), outcome: answer.topic.slice(answer.topic.lastIndexOf('/') + 1) };
  }

  /** What was told of the jobs of a device since the last call, by kind. */
  told(deviceId = 'D1'): { notices: Record<string, unknown>[]; next: (string | undefined)[] } {
    const take = (topic: string) => this.endpoint.sent.filter((each) => each.topic === topic);
    const notices = take(jobTopic.notify(deviceId)).map(({ body }) => JSON.parse(body).jobs);
    const next = take(jobTopic.notifyNext(deviceId)).map(({ body }) => JSON.parse(body).execution?.jobId);
    this.endpoint.sent.length = 0;
    return { notices, next };
  }

  async statuses(jobId: string): Promise<Record<string, string>> {
    const { items } = await this.desk.executions(ACCOUNT, jobId);
    return Object.fromEntries(items.map(({ deviceId, status }) => [deviceId, status]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const component of this.#components) await component.stop();
    await this.store.stop();
    await this.#directory[Symbol.asyncDispose]();
  }
}
