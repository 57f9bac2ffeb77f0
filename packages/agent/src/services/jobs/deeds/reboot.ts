import { aborted, type Deed, failed, succeeded } from '../perform.ts';

/** `{ "operation": "reboot" }`: the embedder decides how; done when the agent comes back. */
export const deed: Deed = async ({ clock, events, settings }, { jobId, document }, { resumed, signal }) => {
  if (resumed) return succeeded();
  const { operation: _named, ...args } = document;
  events.emit('device:reboot', { id: jobId, command: 'reboot', args });
  const limit = settings.jobs.reboot;
  let cancel: (() => void) | undefined;
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.after(limit, () => resolve('late'), { unref: true });
  });
  const end = await Promise.race([aborted(signal), late]);
  cancel?.();
  // Of an agent that stops nobody asks for the outcome.
  return failed(end === 'late' ? 'the device did not restart' : 'the job was taken back');
};
