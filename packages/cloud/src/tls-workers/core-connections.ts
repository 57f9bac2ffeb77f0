import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@ioto/runtime';
import type { Door } from '../front-door/doors.ts';
import type { Peer } from '../ports/device-endpoint.ts';
import { buildHandover, type Handover } from './handover.ts';
import { relay } from './relay.ts';

export interface CoreConnectionsOptions {
  /** Of the core's socket. */
  path: string;
  secret: Buffer;
  clock: Clock;
  /** Told of every connection that did not get to the core, with a word why. */
  onRefused: (reason: string) => void;
  /** Told of each change of `count`, and when the last one has ended on both sides. */
  onChange: () => void;
}

/** The connections that a worker has handed on, each over one of its own to the core. */
export class CoreConnections {
  readonly #options: CoreConnectionsOptions;
  /** Sides of connections that are not closed: of peers, and of both. */
  #peers = 0;
  #sides = 0;

  constructor(options: CoreConnectionsOptions) {
    this.#options = options;
  }

  /** Peers that are there. */
  get count(): number {
    return this.#peers;
  }

  /** True when nothing is left to be carried either. */
  get none(): boolean {
    return this.#sides === 0;
  }

  /** Hands on what is said behind TLS, from now on. */
  handOn(door: Door, stream: Duplex, peer: Peer): void {
    const { path, secret, clock, onRefused } = this.#options;
    const header = headerOf({ secret, door, peer });
    if (!header) {
      onRefused('a name too long');
      stream.destroy();
      return;
    }
    const core = connect({ path, allowHalfOpen: true });
    const notThere = () => onRefused('the core takes no connections');
    core.once('error', notThere);
    core.once('connect', () => core.off('error', notThere));
    this.#changed(1, 1);
    stream.once('close', () => this.#changed(-1, 0));
    core.once('close', () => this.#changed(0, -1));
    core.write(header);
    relay(stream, core, clock);
  }

  #changed(peers: number, cores: number): void {
    this.#peers += peers;
    this.#sides += peers + cores;
    this.#options.onChange();
  }
}

/** Undefined where a certificate says more than a header has room for. */
function headerOf(handover: Handover): Buffer | undefined {
  try {
    return buildHandover(handover);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
