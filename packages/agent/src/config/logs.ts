import { Type } from 'typebox';
import { group, size, text, time } from './kinds.ts';

/** One source of lines: `path`, `command` or `journald` says which. Names and meanings are Ioto's where it has them. */
const source = group('one source of lines', {
  enable: Type.Boolean({ default: true, description: 'false: leave it alone' }),
  path: text('a file, or several by * and ? and **; rotated and truncated ones are followed'),
  command: text('a line for the shell whose output is sent'),
  every: Type.Optional(
    time('never', 'time after which a command that ended is run again; default: only when it failed'),
  ),
  journald: Type.Optional(
    Type.Union([Type.Boolean(), Type.String({ maxLength: 256 })], {
      description: 'the journal of systemd, or that of one unit',
    }),
  ),
  group: Type.String({ default: 'ioto', maxLength: 512, description: 'log group in the cloud' }),
  stream: Type.String({
    default: '{id}-{filename}',
    maxLength: 512,
    description:
      'log stream in the cloud, and group: {id}, {hostname}, {product}, {model}, {version}, {date}, {filename} are filled in',
  }),
  create: Type.Boolean({ default: true, description: 'make the group when it is missing' }),
  lines: Type.Optional(
    Type.Boolean({
      description:
        'each line is an event; false: all that comes together is one. Default: false for a command',
    }),
  ),
  position: Type.Union([Type.Literal('end'), Type.Literal('start')], {
    default: 'end',
    description: 'where a file, or the journal, that is seen for the first time is read from',
  }),
  continuation: Type.String({
    default: ' \t',
    maxLength: 1024,
    description:
      "characters with which a line begins that belongs to the one before, or /a regular expression/ that it matches; '' for none",
  }),
  maxEvents: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 10_000,
    description: 'events that are sent together, and at once when there are as many',
  }),
  maxSize: size('1mb', 'bytes that are sent together, and at once when there are as many'),
  linger: time('5 secs', 'longest time that lines wait for more, and for the rest of a line'),
});

export const logs = group('logs that go to the cloud', {
  files: Type.Array(source, { default: [], maxItems: 64, description: 'what is sent' }),
  maxSpool: size('10mb', 'lines of a command or of the own log that are kept while the cloud is away'),
  poll: time('1 sec', 'time from one look at the files to the next'),
});
