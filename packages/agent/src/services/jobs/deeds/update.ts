import type { AgentEvents } from '../../../agent-events.ts';
import { aborted, type Deed, failed, rejected, succeeded } from '../perform.ts';

/**
 * `{ "operation": "update" }`: asks the cloud for other software, and ends as that does. What is applied may restart the
 * program: then the version that runs tells how it ended.
 */
export const deed: Deed = async (
  { updates, events, settings },
  { note: noted },
  { resumed, signal, note },
) => {
  const { version: running } = settings;
  if (!updates) return rejected('the service update is off on this device');
  if (resumed && noted.version === running) return succeeded({ version: running });
  const ends: AgentEvents['update:ended'][] = [];
  let tell: () => void = () => undefined;
  const off = events.on('update:ended', (end) => {
    ends.push(end);
    tell();
  });
  try {
    const version = await updates.check();
    if (version === undefined) {
      if (noted.version !== undefined) return failed(`version ${noted.version} was not applied`);
      return succeeded({ version: running, reason: 'there is nothing newer' });
    }
    if (noted.version !== version) await note({ version });
    const end = await new Promise<AgentEvents['update:ended'] | undefined>((resolve) => {
      tell = () => {
        const found = ends.find((each) => each.version === version);
        if (found) resolve(found);
      };
      tell();
      void aborted(signal).then(() => resolve(undefined));
    });
    if (!end) return failed('the job was taken back');
    const { outcome, code = 'UPDATE_FAILED', message = '' } = end;
    return outcome === 'applied' ? succeeded({ version }) : failed(message || code, { version, code });
  } finally {
    off();
  }
};
