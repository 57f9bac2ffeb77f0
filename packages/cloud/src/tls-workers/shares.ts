/** How far above the mean a worker's connections may be, as a factor and in number, before it rests, and when it goes on. */
const REST = { factor: 1.25, more: 32 };
const GO_ON = { factor: 1.1, more: 16 };

/**
 * Which of the workers should take no new connections, by how many each has and whether it rests now. The system gives a
 * connection to whichever worker is first to ask: a crowd that comes at once may find only one of them awake, and devices
 * stay for weeks. The one with the fewest never rests. Pure.
 */
export function restingWorkers(
  workers: readonly { connections: number; resting: boolean }[],
): readonly boolean[] {
  const mean = workers.reduce((sum, { connections }) => sum + connections, 0) / workers.length;
  return workers.map(({ connections, resting }) => {
    const { factor, more } = resting ? GO_ON : REST;
    return connections > mean * factor + more;
  });
}
