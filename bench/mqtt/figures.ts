import { setTimeout as delay } from 'node:timers/promises';
import { memoryOf } from '../life/process-memory.ts';
import { generate } from './generate.ts';
import type { CpuUse } from './load/cpu.ts';
import type { Throughput, ThroughputTask } from './load/throughput.ts';
import type { ServerPems, Subject } from './servers/server.ts';

const MIB_IN_KIB = 1024;

/** What one server did in one task, and how busy its core and the generator's were. */
export interface Measured<R> {
  subject: string;
  result: R;
  cpu?: CpuUse;
}

export type Measure<R> = (subject: Subject, pems: ServerPems) => Promise<Measured<R>>;

export const FLOW: Omit<ThroughputTask, 'transport' | 'qos' | 'window'> = {
  publishers: 50,
  subscribers: 1,
  payload: 200,
  seconds: 5,
};

export function flow(
  task: Pick<ThroughputTask, 'transport' | 'qos' | 'window'> & Partial<ThroughputTask>,
): Measure<Throughput> {
  return async (subject, pems) => {
    await using server = await subject.start(pems);
    const result = await generate('throughput', server.target, { ...FLOW, ...task });
    return { subject: subject.name, result, cpu: result.cpu };
  };
}

/** Full handshakes in a CPU second of the server, since the generator's half of one costs more than the server's. */
export const handshakesPerCore: Measure<number> = async (subject, pems) => {
  await using server = await subject.start(pems);
  const { count, cpu } = await generate('handshakes', server.target, { concurrent: 16, seconds: 8 });
  return { subject: subject.name, result: count / cpu.server, cpu };
};

/** The same, and what the first process alone would have time for. */
export const handshakesOfWorkers: Measure<{ all: number; core: number }> = async (subject, pems) => {
  await using server = await subject.start(pems);
  const { count, cpu } = await generate('handshakes', server.target, { concurrent: 16, seconds: 8 });
  return { subject: subject.name, result: { all: count / cpu.server, core: count / cpu.core }, cpu };
};

/** KiB of resident memory that each idle connection adds. */
export function memoryPerConnection(connections: number): Measure<number> {
  return async (subject, pems) => {
    await using server = await subject.start(pems);
    const rss = () => server.target.pids.reduce((sum, pid) => sum + memoryOf(pid).rss, 0);
    // What the first few make a server load is not theirs.
    await generate('idle', server.target, { connections: 50 });
    await delay(SETTLE);
    const before = rss();
    let after = before;
    await generate('idle', server.target, { connections }, async () => {
      await delay(SETTLE);
      after = rss();
    });
    return { subject: subject.name, result: ((after - before) * MIB_IN_KIB) / connections };
  };
}

/** Milliseconds for collectors and the system to come to rest. */
const SETTLE = 6000;

export const roundTripOverTls: Measure<{ p50: number; p99: number }> = async (subject, pems) => {
  await using server = await subject.start(pems);
  const result = await generate('roundTrip', server.target, { transport: 'tls', rounds: 5000 });
  return { subject: subject.name, result };
};

export const retainedLookUp: Measure<{ p50: number; p99: number }> = async (subject, pems) => {
  await using server = await subject.start(pems);
  const result = await generate('retainedSubscribe', server.target, { topics: 100_000, rounds: 1000 });
  return { subject: subject.name, result };
};

export const drainOfQueue: Measure<number> = async (subject, pems) => {
  await using server = await subject.start(pems);
  const messages = 100_000;
  const { rate, delivered, inOrder } = await generate('drain', server.target, { messages });
  // A server that loses some, or changes their order, has no figure.
  return { subject: subject.name, result: delivered === messages && inOrder ? rate : Number.NaN };
};
