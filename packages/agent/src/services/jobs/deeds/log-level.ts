import type { LogLevel } from '@ioto/runtime';
import { type Deed, rejected, succeeded } from '../perform.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
/** Minutes. */
const LONGEST = 7 * 24 * 60;

/** `{ "operation": "logLevel", "level": "debug", "minutes"?: 30 }`: until the next start, or for so long. */
export const deed: Deed = async ({ options, clock }, { document }) => {
  const { level, minutes } = document;
  const { log } = options;
  if (!LEVELS.includes(level as LogLevel)) return rejected(`"level" must be one of ${LEVELS.join(', ')}`);
  if (minutes !== undefined && !(Number(minutes) > 0 && Number(minutes) <= LONGEST)) {
    return rejected(`"minutes" must be from 1 to ${LONGEST}`);
  }
  if (!log) return rejected('the program has lent the agent no log');
  const before = log.level;
  log.level = level as LogLevel;
  if (minutes !== undefined) {
    const back = () => {
      // Somebody else may have set it meanwhile.
      if (log.level === level) log.level = before;
    };
    clock.after(Number(minutes) * 60_000, back, { unref: true });
  }
  return succeeded({ before });
};
