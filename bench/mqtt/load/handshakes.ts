import { LoadClient, type Target } from './client.ts';
import { type CpuUse, countCpu } from './cpu.ts';

/** Milliseconds in which compilers come to rest. */
const WARM_UP = 3000;

export interface HandshakeTask {
  /** Handshakes under way at once. */
  concurrent: number;
  seconds: number;
}

/** Full mutual handshakes, each proven by the answer to a CONNECT, and followed by the connection's end. */
export async function handshakes(
  target: Target,
  { concurrent, seconds }: HandshakeTask,
): Promise<{ count: number; cpu: CpuUse }> {
  let count = 0;
  const shakeFor = async (ms: number) => {
    const until = performance.now() + ms;
    const worker = async (_: unknown, index: number) => {
      while (performance.now() < until) {
        const { socket } = await LoadClient.open(target, 'tls', `shaking-${index}`);
        count += 1;
        socket.destroy();
      }
    };
    await Promise.all(Array.from({ length: concurrent }, worker));
  };
  await shakeFor(WARM_UP);
  count = 0;
  const used = countCpu(target.pids);
  await shakeFor(seconds * 1000);
  return { count, cpu: used() };
}

/** Opens connections that then say nothing, and calls back while they are all there. */
export async function idleConnections(
  target: Target,
  count: number,
  whileOpen: () => Promise<void>,
): Promise<void> {
  const clients: LoadClient[] = [];
  let opened = 0;
  const worker = async () => {
    while (opened < count) {
      opened += 1;
      clients.push(await LoadClient.open(target, 'tls', `idle-${opened}`));
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  await whileOpen();
  for (const { socket } of clients) socket.destroy();
}
