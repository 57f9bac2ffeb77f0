import type { AgentEvents } from '../../../agent-events.ts';
import type { JobOutcome } from '../journal.ts';
import { aborted, type Deed, failed, rejected, succeeded } from '../perform.ts';

type End = AgentEvents['update:ended'];

/**
 * `{ "operation": "update" }`: asks the cloud for other software, and ends as that does; with success where there is none. What
 * is applied may restart the program: then what has become of it is found by the version that was noted.
 */
export const deed: Deed = async (
  { updates, events, settings },
  { note: noted },
  { resumed, signal, note },
) => {
  const { version: running } = settings;
  if (!updates) return rejected('the service update is off on this device');
  if (resumed && noted.version === running) return succeeded({ version: running });
  const ends: End[] = [];
  let tell: () => void = () => undefined;
  const off = events.on('update:ended', (end) => {
    ends.push(end);
    tell();
  });
  const taken = aborted(signal);
  try {
    const begun = resumed ? noted.version : undefined;
    // Asked anew, the cloud would have an update that failed done again.
    const found = begun === undefined ? undefined : await Promise.race([updates.found(begun), taken]);
    if (signal.aborted) return failed('the job was taken back');
    const state = found ?? (await updates.check());
    if (state.is === 'ended') return outcomeOf(state);
    if (state.is === 'none') {
      if (begun !== undefined) return failed(`version ${begun} was not applied`);
      return succeeded({ version: running, reason: 'there is nothing newer' });
    }
    const { version } = state;
    if (noted.version !== version) await note({ version });
    const end = await new Promise<End | undefined>((resolve) => {
      tell = () => {
        const found = ends.find((each) => each.version === version);
        if (found) resolve(found);
      };
      tell();
      void taken.then(() => resolve(undefined));
    });
    return end ? outcomeOf(end) : failed('the job was taken back');
  } finally {
    off();
  }
};

function outcomeOf({ outcome, version, code = 'UPDATE_FAILED', message = '' }: End): JobOutcome {
  return outcome === 'applied' ? succeeded({ version }) : failed(message || code, { version, code });
}
