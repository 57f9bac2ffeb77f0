import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { WebWorld } from '../web-world.fixture.ts';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

export interface FrameOptions {
  opcode?: number;
  /** Default: it is the last one of its message. */
  fin?: boolean;
  /** Default: masked, as clients must. */
  masked?: boolean;
  /** Reserved bits, 0 to 7. */
  reserved?: number;
  /** What the head says; default: the truth. */
  length?: number | bigint;
}

/** A frame as a client sends it (RFC 6455 §5.2), or as it must not. */
export function frame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = 1, fin = true, masked = true, reserved = 0 } = options;
  const body = Buffer.from(payload as string);
  const length = options.length ?? body.length;
  const short = length < 126 ? Number(length) : length < 65_536 ? 126 : 127;
  const extended = Buffer.alloc(short === 126 ? 2 : short === 127 ? 8 : 0);
  if (short === 126) extended.writeUInt16BE(Number(length));
  if (short === 127) extended.writeBigUInt64BE(BigInt(length));
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const head = Buffer.concat([Buffer.from([first, (masked ? 0x80 : 0) | short]), extended]);
  if (!masked) return Buffer.concat([head, body]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, body.map((byte, at) => byte ^ (mask[at % 4] as number))]);
}

/** The frame of a close, with whatever code and reason. */
export function closeFrame(code: number, reason: string | Buffer = ''): Buffer {
  const body = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]);
  return frame(body, { opcode: 8 });
}

/** A client that sends whatever bytes it is told to. */
export class RawSocket {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  isClosed = false;

  /** @param first all that it sends at once. */
  constructor({ port }: WebWorld, first: string | Buffer) {
    this.socket = connect(port, '127.0.0.1', () => this.socket.write(first));
    this.socket.on('data', (piece: Buffer) => {
      this.received = Buffer.concat([this.received, piece]);
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Resolves as soon as what came, or the end, makes it true. */
  #until(probe: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!probe()) return;
        this.socket.off('data', look).off('close', look);
        resolve();
      };
      this.socket.on('data', look).on('close', look);
      look();
    });
  }

  /** One whose WebSocket is open. */
  static async open(web: WebWorld, path = '/live'): Promise<RawSocket> {
    const client = new RawSocket(web, upgrade({ path }));
    await client.#until(() => client.received.includes('\r\n\r\n'));
    return client;
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.received.toString('latin1'))?.[1]);
  }

  /** What came after the head, frame by frame. */
  get frames(): { opcode: number; payload: Buffer }[] {
    const frames: { opcode: number; payload: Buffer }[] = [];
    let at = this.received.indexOf('\r\n\r\n') + 4;
    while (at + 2 <= this.received.length) {
      const short = (this.received[at + 1] as number) & 0x7f;
      const [size, length] =
        short === 126
          ? [4, this.received.readUInt16BE(at + 2)]
          : short === 127
            ? [10, Number(this.received.readBigUInt64BE(at + 2))]
            : [2, short];
      const payload = this.received.subarray(at + size, at + size + length);
      frames.push({ opcode: (this.received[at] as number) & 0xf, payload });
      at += size + length;
    }
    return frames;
  }

  /** The code that the server closed with; undefined: it said none. */
  get closeCode(): number | undefined {
    return this.frames.find(({ opcode }) => opcode === 8)?.payload.readUInt16BE(0);
  }

  /** Until the server ends it, or says that it does. */
  ended(): Promise<void> {
    return this.#until(() => this.isClosed || this.closeCode !== undefined);
  }
}

export interface UpgradeOptions {
  path?: string;
  method?: string;
  version?: string;
  /** In place of the usual ones; undefined takes one away. */
  headers?: Record<string, string | undefined>;
  body?: string;
}

/** The request that opens a WebSocket. */
export function upgrade(options: UpgradeOptions = {}): string {
  const { path = '/live', method = 'GET', version = '1.1', headers = {}, body = '' } = options;
  const all: Record<string, string | undefined> = {
    Host: 'x',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n${body}`;
}
