import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { type Bench, type Figure, figure } from '../report.ts';
import {
  drainOfQueue,
  flow,
  handshakesOfWorkers,
  handshakesPerCore,
  type Measure,
  type Measured,
  memoryPerConnection,
  retainedLookUp,
  roundTripOverTls,
} from './figures.ts';
import { hasMosquitto } from './servers/mosquitto.ts';
import { newPems, type ServerPems, type Subject } from './servers/server.ts';
import { aedes, bareNode, ioto, iotoOnDisk, iotoWithWorkers, mosquitto } from './servers/subjects.ts';

const CONNECTIONS = 5000;

/**
 * The device endpoint against mosquitto, aedes and bare Node: each server alone on one core, the generator on another,
 * one server at a time. The generator speaks through bare sockets from packets that were built before.
 */
export const bench: Bench = async (options) => {
  const pems = await newPems(await TestAuthority.create());
  const peers = [...(hasMosquitto() ? [mosquitto] : []), aedes];
  if (!hasMosquitto()) options.progress('mosquitto is not installed: only aedes is measured beside ours');
  const table = new Table(pems, options.progress);
  const all = [ioto, ...peers];
  await table.flow('qos1.tcp.window1', { transport: 'tcp', qos: 1, window: 1 }, all);
  await table.flow('qos1.tcp.window20', { transport: 'tcp', qos: 1, window: 20 }, all);
  await table.flow('qos0.tcp', { transport: 'tcp', qos: 0, window: 100 }, all);
  await table.flow('qos1.mtls.window1', { transport: 'tls', qos: 1, window: 1 }, all);
  await table.flow('qos1.mtls.window20', { transport: 'tls', qos: 1, window: 20 }, all);
  await onDisk(table);
  await withWorkers(table);
  await table.add('mtls.handshakes', '/CPU s', handshakesPerCore, [...all, bareNode], (value) => value);
  await table.add('retained.exact.p50', 'ms', retainedLookUp, all, ({ p50 }) => p50);
  await table.add('queue.drain', '/s', drainOfQueue, all, (value) => value);
  await table.roundTrip(all);
  const idle = memoryPerConnection(CONNECTIONS);
  await table.add('mtls.idle.rss', 'KiB', idle, [...all, bareNode], (value) => value);
  return table.figures;
};

/** The same with a persistent session on disk: PUBACK comes after the commit. */
async function onDisk(table: Table): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ioto-bench-mqtt-'));
  try {
    for (const window of [1, 20] as const) {
      const task = { transport: 'tcp', qos: 1, window, persistent: true } as const;
      const subject = iotoOnDisk(join(directory, `${window}`));
      await table.flow(`qos1.tcp.window${window}.durable`, task, [subject]);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * The same with TLS in processes of their own, beside ours without. Where there are no cores for them they share the
 * server's; what one core could do for MQTT, had they cores of their own, is said by `.core`.
 */
async function withWorkers(table: Table): Promise<void> {
  for (const workers of [1, 2]) {
    const subjects = [iotoWithWorkers(workers), ioto];
    for (const window of [1, 20] as const)
      await table.workersFlow(`qos1.mtls.window${window}.workers${workers}`, window, subjects);
    await table.workersHandshakes(`mtls.handshakes.workers${workers}`, subjects);
  }
}

/** Measures each subject in turn and lays the first beside each of the others. */
class Table {
  readonly figures: Figure[] = [];
  readonly #pems: ServerPems;
  readonly #progress: (line: string) => void;

  constructor(pems: ServerPems, progress: (line: string) => void) {
    this.#pems = pems;
    this.#progress = progress;
  }

  async flow(name: string, task: Parameters<typeof flow>[0], subjects: readonly Subject[]): Promise<void> {
    const measured = await this.#measure(name, flow(task), subjects);
    this.#compare(name, '/s', measured, ({ delivered }) => delivered);
    if (task.qos === 1) this.#compare(`${name}.p99`, 'ms', measured, ({ p99 }) => p99);
    const [own] = measured;
    if (!own?.cpu) return;
    const { server, generator, seconds } = own.cpu;
    const of: [string, number] = ['the generator', (100 * generator) / seconds];
    this.#push(figure(`${name}.cpu`, (100 * server) / seconds, '% of a core', of));
  }

  async workersFlow(name: string, window: number, subjects: readonly Subject[]): Promise<void> {
    const measured = await this.#measure(name, flow({ transport: 'tls', qos: 1, window }), subjects);
    this.#compare(name, '/s', measured, ({ delivered }) => delivered);
    const perCpu = measured.map(({ subject, result }) => {
      const { core, seconds } = result.cpu;
      return { subject, result: (result.delivered * seconds) / core };
    });
    this.#compare(`${name}.core`, '/CPU s', perCpu, (value) => value);
  }

  async workersHandshakes(name: string, subjects: readonly Subject[]): Promise<void> {
    const measured = await this.#measure(name, handshakesOfWorkers, subjects);
    this.#compare(name, '/CPU s', measured, ({ all }) => all);
    this.#compare(`${name}.core`, '/CPU s', measured, ({ core }) => core);
  }

  async roundTrip(subjects: readonly Subject[]): Promise<void> {
    const measured = await this.#measure('roundTrip.mtls', roundTripOverTls, subjects);
    this.#compare('roundTrip.mtls.p50', 'ms', measured, ({ p50 }) => p50);
    this.#compare('roundTrip.mtls.p99', 'ms', measured, ({ p99 }) => p99);
  }

  async add<R>(
    name: string,
    unit: string,
    measure: Measure<R>,
    subjects: readonly Subject[],
    value: (result: R) => number,
  ): Promise<void> {
    this.#compare(name, unit, await this.#measure(name, measure, subjects), value);
  }

  async #measure<R>(name: string, measure: Measure<R>, subjects: readonly Subject[]): Promise<Measured<R>[]> {
    const measured: Measured<R>[] = [];
    for (const subject of subjects) {
      this.#progress(`${name}: ${subject.name}`);
      try {
        measured.push(await measure(subject, this.#pems));
      } catch (error) {
        // Ours must come through; a peer that does not is left out.
        if (subject === subjects[0]) throw error;
        this.#progress(`${name}: ${subject.name} did not come through: ${(error as Error).message}`);
      }
    }
    return measured;
  }

  #compare<R>(
    name: string,
    unit: string,
    [own, ...peers]: readonly Measured<R>[],
    value: (result: R) => number,
  ): void {
    if (!own) return;
    if (peers.length === 0) this.#push(figure(name, value(own.result), unit));
    for (const { subject, result } of peers) {
      const beside = value(result);
      if (Number.isFinite(beside)) this.#push(figure(name, value(own.result), unit, [subject, beside]));
    }
  }

  #push(row: Figure): void {
    this.figures.push(row);
    const beside = row.peer === undefined ? '' : `, ${row.peer} ${row.peerValue}, ratio ${row.ratio}`;
    this.#progress(`  ${row.figure}: ${row.value} ${row.unit}${beside}`);
  }
}
