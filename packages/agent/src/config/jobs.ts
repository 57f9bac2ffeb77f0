import { Type } from 'typebox';
import { group, time } from './kinds.ts';

/** One program that jobs may run. */
const program = group('a program that jobs may run', {
  path: Type.String({ minLength: 1, maxLength: 4096, description: 'of the program' }),
  args: Type.Array(Type.String({ maxLength: 1024 }), {
    default: [],
    maxItems: 32,
    description: 'regular expressions, one for each argument that a job may give, each of the whole argument',
  }),
});

export const jobs = group('jobs of the cloud', {
  programs: Type.Record(Type.String(), program, {
    default: {},
    description:
      'programs that jobs may run, by the names that jobs call them by, each { path, args }: args are regular expressions, one for each argument that a job may give; no job runs any other',
  }),
  timeout: time('10 mins', 'longest run of a program whose job names no time of its own'),
  reboot: time('5 mins', 'longest wait for the restart that a job has asked for'),
});
