import { statfs } from 'node:fs/promises';
import { arch, freemem, loadavg, release, totalmem, uptime } from 'node:os';
import { type Deed, succeeded } from '../perform.ts';

/** Lines of the log that may be of use; the end of them is sent. */
const LINES = 200;

/** `{ "operation": "diagnostics" }`: how the device is, and the end of its log. No secret is in either. */
export const deed: Deed = async ({
  options,
  board,
  provisionFile,
  settings,
  plan,
  directories,
  serverTime,
  clock,
}) => {
  const { expires, endpoint, cloudName } = provisionFile.record;
  const { phase, problem } = board.now;
  const memory = process.memoryUsage();
  const disk = await statfs(directories.state).catch(() => undefined);
  const state = {
    ...{ phase, problem, version: settings.version, services: [...plan.on] },
    ...{ cloudName, endpoint, certificateExpires: expires },
    clockOff: serverTime.now() - clock.now(),
  };
  const system = {
    ...{ node: process.version, platform: process.platform, arch: arch(), kernel: release() },
    ...{ uptime: Math.round(uptime()), agentUptime: Math.round(process.uptime()), load: loadavg() },
    memory: { total: totalmem(), free: freemem(), rss: memory.rss, heap: memory.heapUsed },
    disk: disk && { total: disk.blocks * disk.bsize, free: disk.bavail * disk.bsize },
  };
  return succeeded({
    state: JSON.stringify(state),
    system: JSON.stringify(system),
    log: (options.log?.recent() ?? []).slice(-LINES).join('\n'),
  });
};
