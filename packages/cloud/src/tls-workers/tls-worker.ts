import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemCode } from '@ioto/runtime';
import type { Door } from '../front-door/doors.ts';
import { BACKLOG } from '../front-door/listen-address.ts';
import { type Behind, TlsDoors } from '../front-door/tls-doors.ts';
import type { TicketKeys } from '../front-door/tls-server.ts';
import { CoreConnections } from './core-connections.ts';
import type { FromWorker, ListenHandle, Serving, ToWorker } from './worker-messages.ts';
import { WorkerReports } from './worker-reports.ts';

export interface TlsWorkerOptions {
  /** To the core; `sent` is called when the message is on its way. */
  send: (message: FromWorker, sent?: () => void) => void;
  clock: Clock;
  /** Called when it was told to stop, its last connection has ended, and all is told. */
  onDone: () => void;
}

/** What a worker process does: takes connections, does their TLS, and hands what is said behind it to the core. */
export class TlsWorker {
  readonly #options: TlsWorkerOptions;
  readonly #reports: WorkerReports;
  readonly #listeners: Server[] = [];
  /** Connections by listener, also those from before a rest. */
  readonly #open = new Map<number, number>();
  #serving: { facts: Serving; doors: TlsDoors; connections: CoreConnections } | undefined;
  #listening = 0;
  #stopping = false;

  constructor(options: TlsWorkerOptions) {
    this.#options = options;
    this.#reports = new WorkerReports(options.clock, (report) => options.send({ type: 'report', ...report }));
  }

  /** Does what the core says. */
  take(message: ToWorker, handle?: ListenHandle): void {
    if (message.type === 'serve') this.#serve(message);
    else if (message.type === 'listen') this.#listen(message.listener, message.door, handle);
    else if (message.type === 'renew') this.#serving?.doors.renew(message.identity);
    else if (message.type === 'rest') this.#rest();
    else this.#stop();
  }

  #serve(facts: Serving): void {
    const { clock } = this.#options;
    const { logger } = this.#reports;
    const onRefused = (reason: string) => this.#reports.refused(reason);
    const connections: CoreConnections = new CoreConnections({
      ...{ path: facts.core.path, secret: Buffer.from(facts.core.secret, 'base64'), clock, onRefused },
      onChange: () => {
        this.#reports.connections(connections.count);
        this.#endWhenDone();
      },
    });
    const behind: Behind = {};
    for (const door of facts.doors) behind[door] = (stream, peer) => connections.handOn(door, stream, peer);
    const { identity, limits } = facts;
    const doors = new TlsDoors({
      ...{ identity, limits, behind, clock, logger, onRefused },
      ticketKeys: ticketKeysOf(facts),
    });
    this.#serving = { facts, doors, connections };
  }

  #listen(listener: number, door: Door | undefined, handle: ListenHandle): void {
    const { facts } = this.#serving ?? {};
    const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, (socket) =>
      this.#letIn(socket, listener, door),
    );
    this.#listeners.push(server);
    server.once('error', (error) => {
      this.#options.send({ type: 'failed', listener, code: systemCode(error) });
    });
    server.listen(handle, BACKLOG, () => {
      this.#listening += 1;
      if (this.#listening === facts?.listeners) this.#options.send({ type: 'serving' });
    });
  }

  #letIn(socket: Socket, listener: number, door: Door | undefined): void {
    const { facts, doors } = this.#serving ?? {};
    const open = this.#open.get(listener) ?? 0;
    if (!doors || open >= (facts?.limits.connections ?? 0)) {
      socket.destroy();
      return;
    }
    this.#open.set(listener, open + 1);
    socket.once('close', () => this.#open.set(listener, (this.#open.get(listener) ?? 1) - 1));
    doors.take(socket, door);
  }

  /** Those that are there stay. */
  #rest(): void {
    this.#listening = 0;
    for (const listener of this.#listeners.splice(0)) listener.close();
  }

  #stop(): void {
    this.#stopping = true;
    this.#rest();
    this.#serving?.doors.close();
    this.#options.send({ type: 'stopped' });
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (!this.#stopping || this.#serving?.connections.none === false) return;
    this.#reports.flush();
    this.#options.onDone();
  }
}

function ticketKeysOf({ ticketKeys }: Serving): TicketKeys {
  const key = (door: Door) => Buffer.from(ticketKeys[door], 'base64');
  return {
    mqtt: key('mqtt'),
    https: key('https'),
    'https-with-certificate': key('https-with-certificate'),
  };
}
