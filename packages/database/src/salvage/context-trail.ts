import type { Operation } from '../journal/operation.ts';
import type { Context } from '../schema/definition.ts';

/**
 * Whose the database is, as far as its damaged files tell. A change of owner may be in what was lost; the items that were
 * written after it tell of it, for each carries its account and device.
 */
export class ContextTrail {
  readonly accounts = new Set<string>();
  readonly #counts = { accountId: new Map<string, number>(), deviceId: new Map<string, number>() };
  #context: Context | undefined;

  /** Hears an operation; `afterLoss` when something before it could not be read. */
  hear(operation: Operation, afterLoss: boolean): void {
    if (operation.op === 'context') {
      this.#context = operation.context;
      this.#account(operation.context.accountId);
    } else if (operation.op === 'put') {
      const { accountId, deviceId } = operation.record.attributes;
      this.#account(accountId);
      count(this.#counts.accountId, accountId);
      count(this.#counts.deviceId, deviceId);
      if (afterLoss && this.#context && typeof accountId === 'string' && accountId !== '') {
        this.#context = { ...this.#context, accountId };
      }
    }
  }

  get context(): Context {
    if (this.#context) return this.#context;
    const { accountId, deviceId } = this.#counts;
    return { accountId: mostCommon(accountId), deviceId: mostCommon(deviceId) };
  }

  #account(account: unknown): void {
    if (typeof account === 'string' && account !== '') this.accounts.add(account);
  }
}

function count(counts: Map<string, number>, value: unknown): void {
  if (typeof value === 'string' && value !== '') counts.set(value, (counts.get(value) ?? 0) + 1);
}

function mostCommon(counts: ReadonlyMap<string, number>): string | undefined {
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
