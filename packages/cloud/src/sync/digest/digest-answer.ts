import { expiryOf, isCompared, type Model, type Schema, versionOf } from '@ioto/database';
import {
  bucketOf,
  EXPIRY_MARGIN,
  type SketchRow,
  SyncDigest,
  type SyncDigestAnswer,
  sketchRow,
  TableSketch,
  type Version,
} from '@ioto/protocol';
import { Check } from 'typebox/value';
import type { Peers } from '../hello/peers.ts';
import type { SyncIdentity } from '../items/wire-item.ts';
import type { RequestHandler } from '../service-messages.ts';
import type { CompareTurns } from './compare-turns.ts';
import type { DeviceTable } from './device-table.ts';

export interface DigestAnswersOptions {
  schema: Schema;
  table: Pick<DeviceTable, 'rows'>;
  peers: Pick<Peers, 'of'>;
  turns: CompareTurns;
}

/** Bytes of an answer: an MQTT message of a device has 128 KB. */
const LARGEST_ANSWER = 100_000;

/** A question whose model and time are good. */
interface Question extends SyncDigest {
  readonly known: Model;
  /** Milliseconds: what expires before is left out. */
  readonly until: number;
}

/**
 * Answers `sync/digest`. Nothing is kept between two questions, and the table is read anew for each, so that it takes no
 * memory to speak of however large it is.
 */
export class DigestAnswers {
  readonly #options: DigestAnswersOptions;
  /** Comparisons, and those that found a difference. */
  readonly counts = { digests: 0, differences: 0 };

  constructor(options: DigestAnswersOptions) {
    this.#options = options;
  }

  /** Nothing for a device that has not agreed to it, and for what is no such question. */
  readonly answer: RequestHandler = async (identity, body) => {
    const { schema, peers, turns } = this.#options;
    const { deviceId } = identity;
    const peer = peers.of(deviceId);
    if (!peer?.can.has('digest') || !Check(SyncDigest, body)) return undefined;
    const known = schema.models.get(body.model);
    const at = Date.parse(body.at);
    if (!known || !isCompared(known) || Number.isNaN(at)) return say({ refused: 'it is not compared' });
    const question = { ...body, known, until: at + EXPIRY_MARGIN };
    const isThere = () => peers.of(deviceId) === peer;
    const answer = await turns.take(deviceId, async () =>
      isThere() ? this.#compare(identity, question) : undefined,
    );
    // The device may belong to another by now.
    return answer && isThere() ? say(answer) : undefined;
  };

  async #compare(identity: SyncIdentity, question: Question): Promise<SyncDigestAnswer> {
    const { digest, count, timesOnly, bits, buckets } = question;
    const sketch = new TableSketch({ timesOnly });
    /** Bytes that the rows of each bucket take. */
    const sizes = new Map<number, number>();
    for await (const [key, version] of this.#versions(identity, question)) {
      sketch.add(key, version);
      if (bits === undefined) continue;
      const bucket = bucketOf(key, bits);
      sizes.set(bucket, (sizes.get(bucket) ?? 0) + Buffer.byteLength(JSON.stringify(key)) + ROW);
    }
    if (buckets === undefined || bits === undefined) this.counts.digests += 1;
    if (sketch.digest === digest && sketch.count === count) return { equal: true };
    if (buckets === undefined || bits === undefined) {
      this.counts.differences += 1;
      return { equal: false, count: sketch.count };
    }
    const differing = sketch.differing(bits, buckets);
    if (!differing) return { refused: 'its buckets are not of that number' };
    const fitting = firstThatFit(differing, sizes);
    const rows: SketchRow[] = [];
    if (fitting.size > 0) {
      for await (const [key, version] of this.#versions(identity, question)) {
        if (fitting.has(bucketOf(key, bits))) rows.push(sketchRow(key, version, { timesOnly }));
      }
    }
    return {
      equal: false,
      count: sketch.count,
      buckets: [...fitting],
      rows: rows.map(([key, updated, hex]) => [key, updated, hex]),
      ...(fitting.size < differing.size && { more: true }),
    };
  }

  async *#versions(
    identity: SyncIdentity,
    { known, until }: Question,
  ): AsyncGenerator<readonly [key: string, version: Version]> {
    for await (const { key, item } of this.#options.table.rows(known, identity)) {
      const version = versionOf(known, item);
      const expires = expiryOf(known, { attributes: item });
      if (version && (expires === undefined || expires > until)) yield [key, version];
    }
  }
}

/** Bytes of a row beside its key: a time, a digest in hex, and what is around them. */
const ROW = 64;

function firstThatFit(differing: ReadonlySet<number>, sizes: ReadonlyMap<number, number>): Set<number> {
  const fitting = new Set<number>();
  let size = 0;
  for (const bucket of differing) {
    size += (sizes.get(bucket) ?? 0) + NUMBER;
    if (size > LARGEST_ANSWER) break;
    fitting.add(bucket);
  }
  return fitting;
}

/** Bytes of a bucket's number. */
const NUMBER = 5;

const say = (answer: SyncDigestAnswer): string => JSON.stringify(answer);
