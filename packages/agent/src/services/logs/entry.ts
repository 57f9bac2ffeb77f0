import { hostname } from 'node:os';
import { basename } from 'node:path';
import { CodedError } from '@ioto/runtime';
import type { AgentSettings } from '../../config.ts';
import { type BatchLimits, type BatchTarget, MOST_BYTES } from './batch.ts';
import { type LineRule, lineRuleOf } from './line-rule.ts';
import { checkTemplate, groupName, isDated, type NameFacts, streamName } from './templates.ts';

type FileSettings = AgentSettings['logs']['files'][number];

/** Where lines go, and in which portions. */
export interface Destination {
  limits: BatchLimits;
  /** Milliseconds. */
  linger: number;
  /** Make the group when it is missing. */
  create: boolean;
  /** Group and stream for events of that time, and the time from which others are due. */
  target(time: number, filename: string): BatchTarget & { until: number };
}

/** One of `logs.files`, checked. */
export interface Entry extends Destination {
  /** `logs.files[2]`, for messages. */
  where: string;
  kind: { path: string } | { command: string; every: number | undefined } | { journald: string | undefined };
  rule: LineRule;
  fromStart: boolean;
}

export interface EntryContext {
  settings: AgentSettings;
  id: string;
  /** The cloud keeps devices apart by their streams. */
  keepsApart(): boolean;
}

const DAY = 86_400_000;

/** @throws CONFIG_INVALID with the entry and the property. */
export function entriesOf(context: EntryContext): Entry[] {
  return context.settings.logs.files.flatMap((file, index) =>
    file.enable ? [entryOf(file, `logs.files[${index}]`, context)] : [],
  );
}

/** The program's own log. @throws CONFIG_INVALID */
export function ownLogDestination(context: EntryContext): Destination {
  const { group, stream } = context.settings.log;
  const limits = { maxEvents: 10_000, maxSize: MOST_BYTES };
  return destinationOf({ group, stream, ...limits, linger: 5000, create: true }, 'log', context);
}

function entryOf(file: FileSettings, where: string, context: EntryContext): Entry {
  const { lines, continuation, position } = file;
  const kind = kindOf(file, where);
  return {
    ...destinationOf(file, where, context),
    where,
    kind,
    rule: lineRuleOf({ lines: lines ?? !('command' in kind), continuation, where }),
    fromStart: position === 'start',
  };
}

function kindOf({ path, command, every, journald }: FileSettings, where: string): Entry['kind'] {
  const named = [path, command, journald || undefined].filter((value) => value !== undefined);
  if (named.length !== 1) {
    const message = `${where}: name one of path, command and journald, which say what is sent`;
    throw new CodedError('CONFIG_INVALID', message);
  }
  if (path !== undefined) return { path };
  if (command !== undefined) return { command, every: Number.isFinite(every) ? every : undefined };
  return { journald: typeof journald === 'string' ? journald : undefined };
}

function destinationOf(
  file: Pick<FileSettings, 'group' | 'stream' | 'maxEvents' | 'maxSize' | 'linger' | 'create'>,
  where: string,
  { settings, id, keepsApart }: EntryContext,
): Destination {
  checkTemplate(file.group, `${where}.group`);
  checkTemplate(file.stream, `${where}.stream`);
  const { device, version } = settings;
  const facts = {
    ...{ id, version, hostname: hostname() },
    product: device.product ?? '',
    model: device.model ?? '',
  };
  const dated = isDated(file.group) || isDated(file.stream);
  return {
    limits: { maxEvents: file.maxEvents, maxSize: Math.min(file.maxSize, MOST_BYTES) },
    linger: file.linger,
    create: file.create,
    target(time, filename) {
      const all: NameFacts = { ...facts, filename: basename(filename) };
      return {
        group: groupName(file.group, all, time),
        stream: streamName(file.stream, all, time, keepsApart()),
        until: dated ? (Math.floor(time / DAY) + 1) * DAY : Number.POSITIVE_INFINITY,
      };
    },
  };
}
