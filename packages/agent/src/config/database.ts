import { Type } from 'typebox';
import { group, size, text, time } from './kinds.ts';

export const database = group('embedded database', {
  path: Type.String({
    default: 'device.db',
    maxLength: 256,
    description: 'name of the database within @db',
  }),
  schema: text('OneTable schema file; default: the core models'),
  durability: Type.Union([Type.Literal('each'), Type.Literal('lazy'), Type.Literal('mem')], {
    default: 'each',
    description:
      "when a write is done, for models whose schema does not choose: 'each' on disk, 'lazy' on disk within maxJournalAge, 'mem' never on disk",
  }),
  maxSize: size(
    'unlimited',
    'size of all items together at which a write that adds to it is refused with DATABASE_FULL',
  ),
  onDamage: Type.Union([Type.Literal('refuse'), Type.Literal('salvage')], {
    default: 'salvage',
    description:
      "what a damaged database file does to the start: 'salvage' goes on with all that can be read and keeps the damaged files aside, 'refuse' ends it",
  }),
  maxJournalSize: size('1mb', 'journal size at which it is folded into the database'),
  maxJournalAge: time('5 secs', 'longest time until a lazy write is on disk'),
  tombstones: time(
    '90 days',
    'time for which removed items are remembered, so that no late copy brings them back',
  ),
  maxQueue: Type.Integer({
    default: 200_000,
    minimum: 1,
    description: 'changes that may wait to go up to the cloud; process.MODEL.queue bounds one model',
  }),
  maxSyncSize: size(
    '120k',
    'largest message of changes sent up, at most 120k; smaller where the cloud asks for it',
  ),
});
