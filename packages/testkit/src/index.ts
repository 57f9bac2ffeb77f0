export { memoryConnection } from './memory-duplex.ts';
export { settle, VirtualClock } from './virtual-clock.ts';
