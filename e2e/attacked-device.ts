import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Program, type RawOutcome, type RawScript, sendRaw, TempDirectory, until } from '@ioto/testkit';

const DEVICE = fileURLToPath(new URL('devices/web-device.mjs', import.meta.url));
/** Connections that there are. */
export const MOST = 40;
const UNSAFE = { rejectUnauthorized: false };

/** Bytes. */
export interface Memory {
  held: number;
  resident: number;
}

export function get(path: string, more = '', method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
}

export function post(path: string, type: string, body: string, more = ''): string {
  const length = Buffer.byteLength(body, 'latin1');
  return `${get(path, `Content-Type: ${type}\r\nContent-Length: ${length}\r\n${more}`, 'POST')}${body}`;
}

export function statuses(said: string): number[] {
  return [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));
}

/** A device with a site, a route for users, one of uploads and a program's actions, by HTTP (0) and HTTPS (1). */
export class AttackedDevice {
  readonly directory: TempDirectory;
  readonly program: Program;
  readonly ports: readonly number[];

  private constructor(directory: TempDirectory, program: Program, ports: readonly number[]) {
    this.directory = directory;
    this.program = program;
    this.ports = ports;
  }

  static async create(): Promise<AttackedDevice> {
    const directory = await TempDirectory.create();
    const site = directory.at('state', 'site');
    for (const name of ['sub', 'app', 'in']) await mkdir(`${site}/${name}`, { recursive: true });
    await mkdir(directory.at('config'));
    await writeFile(directory.at('state', 'outside.txt'), 'OUTSIDE');
    await writeFile(`${site}/a.txt`, 'fine');
    await writeFile(`${site}/.hidden`, 'OUTSIDE');
    await writeFile(`${site}/app/secret.html`, 'OUTSIDE');
    await writeFile(`${site}/big.bin`, Buffer.alloc(4_000_000));
    await symlink('../outside.txt', `${site}/link.txt`);
    await symlink('/', `${site}/root`);
    const web = {
      listen: ['http://127.0.0.1:0', 'https://127.0.0.1:0'],
      routes: [
        { match: '/app/', role: 'user' },
        { match: '/in/', handler: 'upload', methods: ['GET', 'PUT', 'POST'], limits: { upload: '100k' } },
        { match: '/api/', handler: 'action' },
      ],
      limits: { connections: MOST, body: '10k', uploads: 3, sockets: 4, maxMessage: '1k', maxFrame: '1k' },
      timeouts: { parse: '1 sec', body: '1 sec' },
    };
    const settings = { services: { web: true, serialize: 'auto' }, device: { name: 'E2E' } };
    await writeFile(directory.at('config', 'ioto.json5'), JSON.stringify(settings));
    await writeFile(directory.at('config', 'web.json5'), JSON.stringify(web));
    const program = Program.spawnScript(DEVICE, [directory.at('config'), directory.at('state')], {
      nodeOptions: ['--expose-gc'],
    });
    const [, ...ports] = await program.waitFor(/at http:\S+:(\d+)\/ and https:\S+:(\d+)\//);
    const device = new AttackedDevice(directory, program, ports.map(Number));
    // What is loaded at its first use is no growth.
    for (const of of [0, 1]) for (let turn = 0; turn < 50; turn += 1) await device.served(of);
    return device;
  }

  /** How it takes bytes, until it ends the connection or is silent for a while. */
  send(of: number, bytes: string | string[], script: Partial<RawScript> = {}): Promise<RawOutcome> {
    const writes = [bytes].flat().map((each) => Buffer.from(each, 'latin1'));
    const target = { port: this.ports[of] as number, ...(of === 1 && { tls: UNSAFE }) };
    return sendRaw(target, { writes, patience: 250, ...script });
  }

  /** What it says to them. */
  async exchange(of: number, bytes: string | string[], script?: Partial<RawScript>): Promise<string> {
    return (await this.send(of, bytes, script)).received.toString('latin1');
  }

  /** Resolves when a normal client gets what it asks for. */
  async served(of: number): Promise<void> {
    const enough = (received: Buffer) => received.includes('fine');
    // Connections of before may take a moment to end.
    await until('a normal client to be served', async () =>
      (await this.exchange(of, get('/a.txt'), { enough, patience: 2000 })).endsWith('fine'),
    );
  }

  async memory(): Promise<Memory> {
    const said = await this.exchange(0, get('/api/memory'));
    const { rss, heapUsed, external } = JSON.parse(said.slice(said.indexOf('{')));
    return { held: heapUsed + external, resident: rss };
  }

  /** Opens connections that send bytes and read nothing. */
  async hold(of: number, count: number, bytes: string): Promise<Socket[]> {
    const sockets = Array.from({ length: count }, () => {
      const port = this.ports[of] as number;
      const target = { port, host: '127.0.0.1' };
      const socket = of === 1 ? connectTls({ ...UNSAFE, ...target }) : connectTcp(target);
      return socket.on('error', () => undefined).pause();
    });
    await Promise.all(sockets.map((socket) => once(socket, of === 1 ? 'secureConnect' : 'connect')));
    for (const socket of sockets) socket.write(bytes, 'latin1');
    return sockets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.kill();
    await this.directory[Symbol.asyncDispose]();
  }
}
