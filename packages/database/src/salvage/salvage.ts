import { randomUUID } from 'node:crypto';
import { CodedError, isCodedError, isoTime, messageOf, systemCode } from '@ioto/runtime';
import { fail } from '../errors.ts';
import { movedAttributes } from '../items/attributes.ts';
import { type ItemRecord, recordOf } from '../items/record.ts';
import { FileNames } from '../journal/file-names.ts';
import { nodeFiles } from '../journal/node-files.ts';
import type { DatabaseOptions, Salvaged } from '../options.ts';
import type { ItemKey } from '../schema/definition.ts';
import { State } from '../state.ts';
import { keyContext } from '../writes/plan-context.ts';
import { ContextTrail } from './context-trail.ts';
import { rescue } from './rescue.ts';
import { beginSalvage, finishSalvage, isSalvageUnfinished, writeSalvage } from './salvage-files.ts';

export type SalvageOptions = Pick<
  DatabaseOptions,
  'directory' | 'name' | 'files' | 'schema' | 'clock' | 'logger' | 'onDamage' | 'forgetWhenSalvaged'
>;

/** Opens by `open`, after a salvage where the files are damaged and `onDamage` asks for it. */
export async function openOrSalvage<T>(
  options: SalvageOptions,
  open: () => Promise<T>,
): Promise<{ opened: T; salvaged?: Salvaged }> {
  const { files = nodeFiles } = options;
  await finishSalvage(files, namesOf(options));
  try {
    return { opened: await open() };
  } catch (error) {
    if (options.onDamage !== 'salvage' || !isCodedError(error, 'DATABASE_CORRUPT')) throw error;
    const salvaged = await salvage(options, error);
    return { opened: await open(), salvaged };
  }
}

/**
 * Takes all that can be read of a damaged database into a new snapshot, puts the damaged files aside and logs
 * DATABASE_SALVAGED. The database must not be open, and `why` is what kept it from that.
 *
 * @throws DATABASE_CORRUPT where nothing may be thrown away (see `rescue`), or the result cannot be saved; nothing was
 * changed then.
 */
export async function salvage(options: SalvageOptions, why?: unknown): Promise<Salvaged> {
  const { files = nodeFiles, schema, clock, logger, forgetWhenSalvaged = [] } = options;
  const names = namesOf(options);
  const state = new State(schema, Number.POSITIVE_INFINITY);
  const trail = new ContextTrail();
  const rescued = await rescue(files, names, (operation, afterLoss) => {
    trail.hear(operation, afterLoss);
    state.apply(operation, true);
  });
  state.reachSeq(rescued.seq);
  state.apply({ op: 'context', context: trail.context }, true);
  const left = settleOwners(state, options, trail.accounts.size > 1);
  forget(state, forgetWhenSalvaged);
  dropEmptyEntries(state);
  try {
    const number = await beginSalvage(files, names);
    const report: Salvaged = {
      at: isoTime(clock),
      directory: names.damaged(number),
      lost: rescued.lost,
      lostBytes: rescued.lost.reduce((sum, { bytes }) => sum + bytes, 0),
      items: state.items.size,
      left,
    };
    const head = {
      id: rescued.id ?? randomUUID(),
      generation: rescued.nextGeneration,
      number: rescued.nextNumber,
      seq: state.seq,
    };
    const operations = state.capture(() => true);
    await writeSalvage(files, names, { number, head, operations, report });
    await finishSalvage(files, names);
    logger.error(
      { code: 'DATABASE_SALVAGED', ...report, why: why === undefined ? undefined : messageOf(why) },
      'the database was damaged: it goes on with what could be read of it, and the damaged files are kept aside',
    );
    return report;
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw fail(
      'DATABASE_CORRUPT',
      `the database in ${names.directory} is damaged, and what can be read of it could not be saved (${systemCode(cause) ?? messageOf(cause)}): free space on that disk, or see to it, and start again`,
      { cause, details: { file: rescued.lost[0]?.file, offset: rescued.lost[0]?.offset } },
    );
  }
}

/** @throws DATABASE_CORRUPT while a salvage is begun and not finished: what the files say then is not the database. */
export async function requireFinished(options: Pick<DatabaseOptions, 'directory' | 'name' | 'files'>) {
  const { files = nodeFiles } = options;
  const names = namesOf(options);
  if (await isSalvageUnfinished(files, names)) {
    throw fail(
      'DATABASE_CORRUPT',
      `the database in ${names.directory} was damaged, and its salvage is not finished: the next start of its program, or ioto db salvage, finishes it`,
    );
  }
}

export function namesOf({ directory, name = 'device' }: Pick<DatabaseOptions, 'directory' | 'name'>) {
  return new FileNames(directory, name);
}

/**
 * Files every item under the keys of the context, as the change of context did that was lost, if one was. What another owner
 * left is not carried over to this one. Returns how many items that were.
 */
function settleOwners(state: State, { schema }: SalvageOptions, hadOthers: boolean): number {
  const { context } = state;
  const keys = keyContext(context);
  let left = 0;
  for (const record of state.items.all()) {
    const model = schema.models.get(record.model);
    if (!model) continue;
    const { accountId } = record.attributes;
    const isForeign = Boolean(accountId) && accountId !== keys.accountId;
    const isOthers = model.sync !== 'none' && hadOthers && isForeign;
    const attributes = movedAttributes(model, record.attributes, context);
    const key = keyOrNone(() => model.keyOf(attributes, keys));
    if (!key || (key.pk === record.pk && key.sk === record.sk && !isOthers)) continue;
    if (isOthers || (hadOthers && model.sync !== 'none')) {
      remove(state, record);
      left += 1;
      continue;
    }
    const outbox = state.outbox.get(record)?.cmd;
    remove(state, record);
    if (state.items.get(key)) continue;
    state.apply(
      { op: 'put', seq: state.nextSeq(), record: recordOf(key, model.name, attributes), outbox },
      true,
    );
  }
  return left;
}

function keyOrNone(make: () => ItemKey): ItemKey | undefined {
  try {
    return make();
  } catch {
    // An item of an older schema: it stays where it is, as it would if nothing were damaged.
    return undefined;
  }
}

function remove(state: State, { pk, sk }: ItemRecord): void {
  state.apply({ op: 'remove', seq: state.seq, key: { pk, sk } }, true);
}

function forget(state: State, models: readonly string[]): void {
  for (const record of state.items.all()) if (models.includes(record.model)) remove(state, record);
}

/** Entries of items that were lost, and removals of another owner's: nothing can be sent for them. */
function dropEmptyEntries(state: State): void {
  const { accountId } = keyContext(state.context);
  const versions = [...state.outbox.entries()]
    .filter(({ removal, ...key }) =>
      removal ? (removal.accountId ?? accountId) !== accountId : !state.items.get(key),
    )
    .map(({ version }) => version);
  if (versions.length > 0) state.apply({ op: 'acknowledge', versions }, true);
}
