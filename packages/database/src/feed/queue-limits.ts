import { fail } from '../errors.ts';
import type { Operation } from '../journal/operation.ts';
import type { Schema } from '../schema/compile.ts';
import type { Durability } from '../schema/definition.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE, type QueueRule } from '../schema/process.ts';
import type { State } from '../state.ts';
import { strongest } from '../writes/durability.ts';
import type { Plan } from '../writes/plan.ts';
import type { Pending } from './outbox-table.ts';
import { PlannedChange } from './planned-change.ts';

/** Told as the origin of removals of items whose change was given up. */
const ORIGIN = 'queue';
const DEFAULT_MAX = 200_000;

export interface QueueLimitsOptions {
  readonly schema: Schema;
  readonly state: State;
  /** Changes that may wait over all models; default 200,000. */
  readonly maxQueue?: number;
  durability(model: string): Durability;
}

/**
 * Bounds of the queue to the cloud: of each model as its schema says (`process.MODEL.queue`), and of all together. A
 * change that would exceed one is refused, or the oldest of a model that allows it is given up and counted. A change of
 * an item that waits already needs no room.
 */
export class QueueLimits {
  readonly #schema: Schema;
  readonly #state: State;
  readonly #maxQueue: number;
  readonly #durability: (model: string) => Durability;

  constructor({ schema, state, maxQueue = DEFAULT_MAX, durability }: QueueLimitsOptions) {
    this.#durability = durability;
    this.#schema = schema;
    this.#state = state;
    this.#maxQueue = maxQueue;
  }

  /**
   * The plan, and with it what must be given up for it, in one commit.
   *
   * @param refuse False where the plan may exceed the limits if nothing can be given up.
   * @throws QUEUE_FULL naming model and limit.
   */
  admit(plan: Plan, refuse = true): Plan {
    const { operations } = plan;
    const { outbox } = this.#state;
    const hasRoom = outbox.size + operations.length <= this.#maxQueue;
    for (const operation of operations) {
      const model = queued(operation);
      if (model === undefined) continue;
      const { max = Number.POSITIVE_INFINITY } = this.#rule(model);
      if (!hasRoom || outbox.sizeOf(model) + operations.length > max) return this.#makeRoom(plan, refuse);
    }
    return plan;
  }

  #makeRoom(plan: Plan, refuse: boolean): Plan {
    const victims: Pending[] = [];
    let growth = 0;
    for (const [model, more] of this.#growth(plan.operations)) {
      growth += more;
      const { max = Number.POSITIVE_INFINITY, full } = this.#rule(model);
      const over = Math.min(more, this.#state.outbox.sizeOf(model) + more - max);
      if (over <= 0) continue;
      if (full === 'refuse') {
        if (refuse) throw this.#full(model, max);
        continue;
      }
      victims.push(...first(this.#state.outbox.entriesOf(model), over));
    }
    const over = () => this.#state.outbox.size + growth - victims.length - this.#maxQueue;
    const model = plan.operations.map(queued).find((name) => name !== undefined) ?? '';
    while (growth > victims.length && over() > 0) {
      const victim = this.#victimFor(model, victims);
      if (!victim && refuse) throw this.#full(model);
      if (!victim) break;
      victims.push(victim);
    }
    return victims.length === 0 ? plan : this.#giveUp(plan, victims);
  }

  /** How many entries more of each model there would be. What leaves the queue in the same plan makes room for others. */
  #growth(operations: readonly Operation[]): Map<string, number> {
    const growth = new Map<string, number>();
    const add = (model: string, more: number) => growth.set(model, (growth.get(model) ?? 0) + more);
    for (const operation of operations) {
      if (operation.op !== 'put' && operation.op !== 'remove') continue;
      const waiting = this.#state.outbox.get(operation.op === 'put' ? operation.record : operation.key);
      if (waiting) add(waiting.model, -1);
      const model = queued(operation);
      if (model !== undefined) add(model, 1);
    }
    return growth;
  }

  /** Of the models that give up the oldest and are no more urgent than this one, the least urgent one's. */
  #victimFor(model: string, taken: readonly Pending[]): Pending | undefined {
    const limit = this.#priority(model);
    let found: { entry: Pending; priority: number } | undefined;
    for (const { name, priority, queue } of this.#schema.models.values()) {
      if (queue.full !== 'oldest' || priority > limit) continue;
      const [entry] = first(this.#state.outbox.entriesOf(name), 1, (candidate) => !taken.includes(candidate));
      if (!entry) continue;
      const isOlder = priority === found?.priority && entry.version < found.entry.version;
      if (!found || priority < found.priority || isOlder) found = { entry, priority };
    }
    return found?.entry;
  }

  /**
   * An item that is only on the device to be sent goes with its change: so that its model's limit bounds it on disk too. What
   * is given up is so as durably as it waited, though it were for a change that lives in memory only.
   */
  #giveUp(plan: Plan, victims: readonly Pending[]): Plan {
    const operations: Operation[] = [...plan.operations];
    const changes = [...plan.changes];
    let durability: Durability = 'mem';
    for (const { pk, sk, model, version } of victims) {
      operations.push({ op: 'lose', model, versions: [version], reason: 'full' });
      durability = strongest(durability, this.#durability(model));
      const known = this.#schema.models.get(model);
      const record = this.#state.items.get({ pk, sk });
      if (known?.keep === undefined || !record) continue;
      const seq = this.#state.nextSeq();
      operations.push({ op: 'remove', seq, key: { pk, sk } });
      changes.push(
        new PlannedChange(known, record, { seq, cmd: 'remove', previous: record, origin: ORIGIN }),
      );
    }
    return { ...plan, operations, changes, durability };
  }

  /** @param max The model's own limit; without it that of all models was reached. */
  #full(model: string, max?: number) {
    const limit = max ?? this.#maxQueue;
    const [waiting, rule] =
      max === undefined
        ? [`${this.#state.outbox.size} changes wait, the limit for all models is ${limit}`, 'maxQueue']
        : [`${this.#state.outbox.sizeOf(model)} wait, the limit is ${limit}`, `process.${model}.queue.max`];
    return fail(
      'QUEUE_FULL',
      `the queue to the cloud has no room for another ${model}: ${waiting}. Let the device connect, raise ${rule}, or let process.${model}.queue.full be 'oldest'`,
      { details: { model, limit } },
    );
  }

  #rule(model: string): QueueRule {
    return this.#schema.models.get(model)?.queue ?? DEFAULT_QUEUE;
  }

  #priority(model: string): number {
    return this.#schema.models.get(model)?.priority ?? DEFAULT_PRIORITY;
  }
}

/** The model of which a write has something to send; the queue itself may always take what is there already. */
function queued(operation: Operation): string | undefined {
  if (operation.op === 'put') return operation.outbox && operation.record.model;
  return operation.op === 'remove' ? operation.removal?.model : undefined;
}

function first(
  entries: Iterable<Pending>,
  count: number,
  isWanted: (entry: Pending) => boolean = () => true,
): Pending[] {
  const found: Pending[] = [];
  for (const entry of entries) {
    if (!isWanted(entry)) continue;
    found.push(entry);
    if (found.length >= count) break;
  }
  return found;
}
