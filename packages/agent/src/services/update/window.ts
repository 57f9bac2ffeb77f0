import { CodedError, messageOf } from '@ioto/runtime';

/** Minutes in which something may be done. */
export interface Window {
  /** The first moment from `time` on that lies in it, in milliseconds since 1970; Infinity when there is none. */
  from(time: number): number;
}

const MINUTE = 60_000;

/**
 * The minutes of a cron pattern of five fields, in the device's time zone; every minute without one.
 *
 * @throws CONFIG_INVALID naming the setting.
 */
export async function openWindow(pattern: string | undefined, setting: string): Promise<Window> {
  if (pattern === undefined || pattern.trim() === '* * * * *') return { from: (time) => time };
  // Only a device with a window pays for reading what cron means.
  const { Cron } = await import('croner');
  let cron: InstanceType<typeof Cron>;
  try {
    cron = new Cron(pattern, { paused: true, mode: '5-part' });
  } catch (error) {
    const message = `${setting}: ${JSON.stringify(pattern)} is no cron pattern such as '* 1-4 * * *' (${messageOf(error)})`;
    throw new CodedError('CONFIG_INVALID', message, { cause: error });
  }
  return {
    from(time) {
      if (!Number.isFinite(time)) return time;
      const minute = new Date(Math.floor(time / MINUTE) * MINUTE);
      return cron.match(minute)
        ? time
        : (cron.nextRun(new Date(time))?.getTime() ?? Number.POSITIVE_INFINITY);
    },
  };
}
