import { randomBytes } from 'node:crypto';
import type { Clock, Component, Logger } from '@ioto/runtime';
import { DOORS, type Door } from '../front-door/doors.ts';
import type { FrontDoorOptions } from '../front-door/front-door.ts';
import { type ListenAddress, listenFailed } from '../front-door/listen-address.ts';
import { type FrontDoorLimits, frontDoorLimits } from '../front-door/tls-doors.ts';
import { TICKET_KEY_LENGTH } from '../front-door/tls-server.ts';
import type { ServerIdentity } from '../ports/certificate-authority.ts';
import { CoreDoor } from './core-door.ts';
import { SharedListener } from './shared-listener.ts';
import { restingWorkers } from './shares.ts';
import type { Serving, WorkerReport } from './worker-messages.ts';
import { type StartWorker, startWorkerProcess, type WorkerProcess } from './worker-process.ts';
import { WorkerSlot } from './worker-slot.ts';

export interface TlsWorkersOptions extends FrontDoorOptions {
  /** Number of processes. */
  count: number;
  /** Private directory for the socket between them and this one; without room for it, one for temporary files is made. */
  directory?: string;
  /** Default: processes of Node, on the program or the sources that this one runs. */
  startWorker?: StartWorker;
}

/**
 * The front door with its TLS in worker processes. They take connections themselves from the sockets that they share, and
 * hand what is said behind TLS to this process, where HTTP and MQTT are.
 */
export class TlsWorkers implements Component {
  readonly name = 'front door';
  /**
   * The processes: to be started some time before this, since they take a while to load, and before HTTP and MQTT, so
   * that they are stopped after those have ended their connections.
   */
  readonly processes: Component;
  readonly #options: TlsWorkersOptions;
  readonly #limits: FrontDoorLimits;
  readonly #core: CoreDoor;
  readonly #slots: WorkerSlot[];
  readonly #listeners: { listener: SharedListener; door?: Door }[] = [];
  readonly #ticketKeys: Serving['ticketKeys'];
  #identity: ServerIdentity | undefined;
  #endRenewals: (() => void) | undefined;
  #restarts = 0;

  constructor(options: TlsWorkersOptions) {
    this.#options = options;
    const { count, limits, clock, logger, behind, directory, onRefused } = options;
    this.#limits = { ...frontDoorLimits, ...limits };
    this.#core = new CoreDoor({ directory, behind, clock, logger, onRefused });
    this.#slots = Array.from({ length: count }, () => this.#newSlot(clock, logger));
    const key = () => randomBytes(TICKET_KEY_LENGTH).toString('base64');
    this.#ticketKeys = { mqtt: key(), https: key(), 'https-with-certificate': key() };
    this.processes = {
      name: 'TLS workers',
      start: async () => {
        await this.#core.start();
        for (const slot of this.#slots) slot.open();
      },
      stop: async () => {
        await Promise.all(this.#slots.map((slot) => slot.close()));
        await this.#core.stop();
      },
    };
  }

  /** @throws LISTEN_FAILED naming the address, WORKER_FAILED. */
  async start(): Promise<void> {
    const { identity, listen, mqtt, mtls, count, logger } = this.#options;
    this.#identity = await identity.serverIdentity();
    this.#endRenewals = identity.onRenewal((renewed) => this.#renew(renewed));
    await this.#bind(listen);
    if (mqtt) await this.#bind(mqtt, 'mqtt');
    if (mtls) await this.#bind(mtls, 'https-with-certificate');
    await Promise.all(this.#slots.map((slot) => slot.serve((worker) => this.#greet(worker))));
    logger.info({ workers: count }, 'TLS is done by worker processes');
  }

  /** Takes no more connections; those that are there are for HTTP and MQTT to end. */
  async stop(): Promise<void> {
    this.#endRenewals?.();
    await Promise.all(this.#slots.map((slot) => slot.stop()));
    for (const { listener } of this.#listeners.splice(0)) listener.close();
  }

  /** The ports that are listened on, which port 0 leaves to the system: main, then --mqtt, then --mtls. */
  get ports(): number[] {
    return this.#listeners.map(({ listener }) => listener.port);
  }

  /** Workers that take connections now. */
  get serving(): number {
    return this.#slots.filter((slot) => slot.serving).length;
  }

  /** Connections that each worker relays. */
  get connections(): number[] {
    return this.#slots.map(({ connections }) => connections);
  }

  /** How often a worker was started in the place of one that had ended. */
  get restarts(): number {
    return this.#restarts;
  }

  async #bind(address: ListenAddress, door?: Door): Promise<void> {
    this.#listeners.push({ listener: await SharedListener.bind(address), door });
  }

  #newSlot(clock: Clock, logger: Logger): WorkerSlot {
    return new WorkerSlot({
      startWorker: this.#options.startWorker ?? startWorkerProcess,
      ...{ clock, logger },
      explain: ({ listener, code }) =>
        listenFailed(this.#listeners[listener]?.listener.address ?? this.#options.listen, { code }),
      onReport: (report) => this.#onReport(report),
      onChange: () => this.#share(),
      onRestart: () => {
        this.#restarts += 1;
      },
    });
  }

  #greet(worker: WorkerProcess): void {
    const { count, behind } = this.#options;
    const identity = this.#identity;
    if (!identity) return;
    worker.send({
      type: 'serve',
      ...{ identity, ticketKeys: this.#ticketKeys },
      doors: DOORS.filter((door) => behind[door]),
      // Each worker counts its own connections: together they hold no more than one process would.
      limits: { ...this.#limits, connections: Math.ceil(this.#limits.connections / count) },
      listeners: this.#listeners.length,
      core: { path: this.#core.path, secret: this.#core.secret.toString('base64') },
    });
    this.#listen(worker);
  }

  #listen(worker: Pick<WorkerProcess, 'send'>): void {
    for (const [index, { listener, door }] of this.#listeners.entries())
      worker.send({ type: 'listen', listener: index, door }, listener.handle);
  }

  /** Lets none of the workers get far ahead of the others. */
  #share(): void {
    const serving = this.#slots.filter((slot) => slot.serving);
    for (const [index, rests] of restingWorkers(serving).entries()) {
      const slot = serving[index];
      if (!slot || slot.resting === rests) continue;
      slot.resting = rests;
      if (rests) slot.tell({ type: 'rest' });
      else this.#listen({ send: (message, handle) => slot.tell(message, handle) });
    }
  }

  #renew(identity: ServerIdentity): void {
    this.#identity = identity;
    for (const slot of this.#slots) slot.tell({ type: 'renew', identity });
    this.#options.logger.info({ expires: identity.expires }, 'server certificate renewed');
  }

  #onReport({ refused, lines }: WorkerReport): void {
    const { logger, onRefused } = this.#options;
    for (const { level, facts, message } of lines) logger[level](facts, message);
    for (const [reason, count] of Object.entries(refused)) {
      for (let counted = 0; counted < count; counted += 1) onRefused?.(reason);
    }
    this.#share();
  }
}
