import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface RawTarget {
  host?: string;
  port: number;
  /** TLS options; without them the bytes go over bare TCP. `servername` defaults to localhost. */
  tls?: ConnectionOptions;
}

/** How the other side took it. */
export interface RawOutcome {
  /** All bytes that came back. */
  received: Buffer;
  /** `closed`: the server ended it; `open`: it still listened when time was up. */
  end: 'closed' | 'open';
  error?: string;
}

export interface RawScript {
  /** Sent one after the other, `pause` milliseconds apart. */
  writes: readonly (Buffer | string)[];
  /** Milliseconds between two writes; default 0. */
  pause?: number;
  /** Milliseconds after the last write to wait for the end; default 2000. */
  patience?: number;
  /** Ends the wait as soon as the bytes received satisfy it. */
  enough?: (received: Buffer) => boolean;
}

/** Sends whatever bytes it is told to, as a stranger would, and reports what came back. Never throws. */
export function sendRaw(target: RawTarget, script: RawScript): Promise<RawOutcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const timers = new Set<NodeJS.Timeout>();
    let error: string | undefined;
    const finish = (end: RawOutcome['end']) => {
      for (const timer of timers) clearTimeout(timer);
      socket.destroy();
      resolve({ received: Buffer.concat(chunks), end, ...(error ? { error } : {}) });
    };
    const later = (ms: number, action: () => void) => timers.add(setTimeout(action, ms));
    const socket = open(target, () => {
      const { writes, pause = 0, patience = 2000 } = script;
      writes.forEach((bytes, index) => {
        if (index === 0) socket.write(bytes);
        else later(index * pause, () => socket.writable && socket.write(bytes));
      });
      later(Math.max(0, writes.length - 1) * pause + patience, () => finish('open'));
    });
    later(15_000, () => finish('open'));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (script.enough?.(Buffer.concat(chunks))) finish('open');
    });
    socket.on('error', (cause) => {
      error = (cause as NodeJS.ErrnoException).code ?? cause.message;
    });
    socket.on('close', () => finish('closed'));
  });
}

function open({ host = '127.0.0.1', port, tls }: RawTarget, onReady: () => void): Socket {
  if (!tls) return connectTcp({ host, port }, onReady);
  return connectTls({ host, port, servername: 'localhost', ...tls }, onReady);
}
