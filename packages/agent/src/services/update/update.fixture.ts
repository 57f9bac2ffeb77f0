import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { signImage, type UpdateAnswer, type UpdateReport } from '@ioto/protocol';
import { CodedError, Emitter, silentLogger, systemClock } from '@ioto/runtime';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import type { AgentEvents } from '../../agent-events.ts';
import type { UrlAnswer, UrlFetch } from '../url/fetch.ts';
import { Applying } from './applying.ts';
import type { UpdateJournal } from './journal.ts';
import type { UpdateServiceOptions } from './options.ts';
import { UpdateScript } from './script.ts';
import { UpdateService } from './service.ts';

export const maker = generateKeyPairSync('ed25519');
export const PRODUCT = 'PRODUCT';
export const IMAGE = Buffer.alloc(200_000, 'the new software ');
const ANY_TIME = { from: (time: number) => time };

/** What a server of images does with a request. */
export interface Serving {
  status?: number;
  headers?: Record<string, string>;
  /** The image that it has. */
  image?: Buffer;
  /** Bytes after which the connection breaks. */
  cutAfter?: number;
  /** Nothing comes after those, and the connection stays. */
  stalls?: boolean;
  /** Knows nothing of ranges. */
  whole?: boolean;
}

export function offerOf(
  version: string,
  image = IMAGE,
  key: KeyObject | undefined = maker.privateKey,
): UpdateAnswer {
  const checksum = createHash('sha256').update(image).digest('hex');
  const facts = { product: PRODUCT, version, size: image.length, sha256: checksum };
  const signature = key && signImage(facts, key);
  return {
    url: 'https://cloud/image',
    version,
    checksum,
    size: image.length,
    ...(signature && { signature }),
  };
}

type Settings = Partial<UpdateServiceOptions['settings']>;

export interface LifeOptions extends Partial<Omit<UpdateServiceOptions, 'settings' | 'applying' | 'script'>> {
  settings?: Settings;
  /** Text of a shell script that is run as `scripts.update`; none when absent. */
  script?: string;
}

/** A device's directory, with one life of its update service after another, a cloud that offers and a server of images. */
export class UpdateWorld implements AsyncDisposable {
  readonly clock = new VirtualClock();
  /** What the cloud answers; an error is thrown. */
  offer: UpdateAnswer | CodedError | undefined;
  serving: Serving | (() => Serving) = {};
  isClaimed = true;
  readonly reports: (UpdateReport | undefined)[] = [];
  /** Range headers of the requests for images. */
  readonly ranges: (string | undefined)[] = [];
  readonly ended: AgentEvents['update:ended'][] = [];
  readonly restarts: AgentEvents['device:restart'][] = [];
  events = new Emitter<AgentEvents>((_event, error) => {
    throw error;
  });
  readonly #directory: TempDirectory;
  #service: UpdateService | undefined;

  private constructor(directory: TempDirectory) {
    this.#directory = directory;
  }

  static async create(): Promise<UpdateWorld> {
    return new UpdateWorld(await TempDirectory.create());
  }

  at(...names: string[]): string {
    return this.#directory.at(...names);
  }

  get service(): UpdateService {
    if (!this.#service) throw new Error('the device is off');
    return this.#service;
  }

  /** Switches the device on; the one that was on before is off by then, as by a power cut where `cut` has not stopped it. */
  async on({ settings, script, ...more }: LifeOptions = {}): Promise<UpdateService> {
    const { clock } = this;
    const directory = this.at('update');
    this.events = new Emitter<AgentEvents>((_event, error) => {
      throw error;
    });
    this.events.on('update:ended', (facts) => void this.ended.push(facts));
    this.events.on('device:restart', (facts) => void this.restarts.push(facts));
    const { events } = this;
    // A script is a process: it runs by the clock of the machine.
    const updateScript = new UpdateScript({ directory, clock: systemClock });
    const all = {
      ...{ enable: true, delay: 15_000, period: 86_400_000, jitter: 0, timeout: 60_000, unsigned: false },
      ...{ throttle: Number.POSITIVE_INFINITY, maxSize: 2 ** 30, ...settings },
    };
    let command: string | undefined;
    if (script !== undefined) {
      command = this.at('apply.sh');
      await writeFile(command, `#!/bin/sh\n${script}\n`);
      await chmod(command, 0o755);
    }
    this.#service = new UpdateService({
      ...{ clock, logger: silentLogger, events, random: () => 0.5, time: clock, version: '1.0.0', directory },
      settings: all,
      checkIn: this.#cloud(),
      fetch: this.#fetch,
      patience: 30_000,
      trust: { keys: [maker.publicKey], unsigned: all.unsigned, product: PRODUCT, maxSize: all.maxSize },
      ...{ schedule: ANY_TIME, apply: ANY_TIME, script: updateScript },
      applying: new Applying({ events, script: updateScript, command, timeout: all.timeout, directory }),
      ...more,
    });
    await this.#service.start();
    return this.#service;
  }

  async off(): Promise<void> {
    await this.#service?.stop();
    this.#service = undefined;
  }

  async journal(): Promise<UpdateJournal> {
    const text = await readFile(this.at('update', 'journal.json'), 'utf8').catch(() => '{}');
    return JSON.parse(text) as UpdateJournal;
  }

  /** Lets time pass until `probe` gives something true, from one timer to the next, in steps of up to `step` milliseconds. */
  async until<T>(probe: () => T | Promise<T>, step = 20_000): Promise<T> {
    for (let attempt = 0; attempt < 4000; attempt += 1) {
      const found = await probe();
      if (found) return found;
      await this.clock.advance(Math.min(step, this.clock.untilNext ?? 0));
      await delay(3);
    }
    throw new Error(`waited in vain; the journal: ${JSON.stringify(await this.journal())}`);
  }

  /** Resolves when the cloud has heard how it ended. */
  async reported(): Promise<UpdateReport> {
    return (await this.until(() => this.reports.find((report) => report !== undefined))) as UpdateReport;
  }

  files(): Promise<string[]> {
    return readdir(this.at('update'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.off();
    await this.#directory[Symbol.asyncDispose]();
  }

  #cloud(): UpdateServiceOptions['checkIn'] {
    const world = this;
    return {
      get isPossible() {
        return world.isClaimed;
      },
      async ask(report) {
        if (world.offer instanceof CodedError) throw world.offer;
        world.reports.push(report);
        return world.offer;
      },
    };
  }

  readonly #fetch: UrlFetch = async (_url, request) => {
    const range = request?.headers?.range;
    this.ranges.push(range);
    const serving = typeof this.serving === 'function' ? this.serving() : this.serving;
    const { image = IMAGE, whole, cutAfter = image.length, stalls } = serving;
    const first = range && !whole ? Number(/\d+/.exec(range)?.[0]) : 0;
    const status = serving.status ?? (first > 0 ? 206 : 200);
    const body = image.subarray(first);
    const stream = new PassThrough({ highWaterMark: 2 ** 24 });
    for (let at = 0; at < Math.min(body.length, cutAfter); at += 16_384) {
      stream.write(body.subarray(at, Math.min(at + 16_384, cutAfter)));
    }
    const isCut = cutAfter < body.length;
    if (!stalls && !isCut) stream.end();
    // What was written before is read before a stream learns that it broke.
    if (!stalls && isCut) {
      const look = () => {
        if (stream.readableLength > 0) setImmediate(look);
        else stream.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
      };
      setImmediate(look);
    }
    const headers = {
      'content-length': String(body.length),
      ...(first > 0 ? { 'content-range': `bytes ${first}-${image.length - 1}/${image.length}` } : {}),
      ...serving.headers,
    };
    return { status, headers, stream, body: Buffer.alloc(0) } as unknown as UrlAnswer;
  };
}
