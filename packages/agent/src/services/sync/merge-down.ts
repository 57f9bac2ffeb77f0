import { type Item, type Model, mergeItemOf, type Properties, withMerged } from '@ioto/database';
import {
  type DownFacts,
  type HeldByDevice,
  type MergeDownVerdict,
  onDown,
  onDownMerging,
  type Version,
} from '@ioto/protocol';

/** What comes: an item's fields and version; a removal has no fields that count. */
export interface Incoming {
  readonly properties: Properties;
  readonly version: Version | undefined;
}

/** What is held here. */
export interface Own {
  readonly version: HeldByDevice;
  /** Missing for the memory of a removal. */
  readonly item?: Item;
}

/** What to do about an item of the cloud: the newest wins, or, where the model says so, the newest value of each field. */
export function decideDown(
  model: Model,
  own: Own | undefined,
  incoming: Incoming,
  facts: DownFacts,
): Exclude<MergeDownVerdict, { kind: 'apply' }> | { kind: 'apply'; properties: Properties; waits: boolean } {
  const { properties, version } = incoming;
  if (!model.merges || !own?.item || !version || version.removed) {
    const kind = onDown(own?.version, version, facts);
    return kind === 'apply' ? { kind, properties, waits: false } : { kind };
  }
  const verdict = onDownMerging(
    { ...own.version, item: mergeItemOf(model, own.item) },
    { ...version, item: mergeItemOf(model, properties) },
    { ...facts, names: model.mergeNames },
  );
  if (verdict.kind !== 'apply') return { kind: verdict.kind };
  const { merged, waits } = verdict;
  return { kind: 'apply', properties: merged ? withMerged(model, properties, merged) : properties, waits };
}
