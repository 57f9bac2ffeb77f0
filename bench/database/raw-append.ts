import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Appends of `size` bytes per second, each synced, that this disk does just now: the floor under a durable write. */
export function rawAppendRate(directory: string, size: number, count: number): number {
  const path = join(directory, 'raw');
  const file = openSync(path, 'w');
  const bytes = Buffer.alloc(size, 'x');
  const started = performance.now();
  for (let at = 0; at < count; at += 1) {
    writeSync(file, bytes);
    fdatasyncSync(file);
  }
  const took = performance.now() - started;
  closeSync(file);
  unlinkSync(path);
  return (count / took) * 1000;
}
