import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  callApi,
  type DeviceFiles,
  type Program,
  publishPacket,
  TestAuthority,
  TlsImpostor,
  until,
} from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const SUBACK = (id: number) => Buffer.from([0x90, 3, 0, id, 1]);

/** The beginning of a PUBLISH of 256 MB. */
const HUGE = Buffer.concat([Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]), randomBytes(70_000)]);

/** Admits the device and grants what it subscribes, then says `bytes`. */
const greetThenSay = (bytes: () => Buffer) => (socket: TLSSocket) => {
  socket.write(CONNACK);
  setTimeout(() => {
    for (const id of [1, 2, 3]) socket.write(SUBACK(id));
    socket.write(bytes());
  }, 30);
};

describe('a device whose MQTT endpoint has gone mad', () => {
  let device: DeviceFiles;
  let program: Program;
  let id: string;
  let impostor: TlsImpostor;
  let settings: Record<string, object>;

  beforeAll(async () => {
    const connected = await world.connectedDevice();
    ({ device, id } = connected);
    await connected.program.kill();
    const authority = await world.authority();
    const identity = await authority.issue({ commonName: 'localhost', dnsNames: ['localhost'] });
    impostor = await TlsImpostor.start(identity, (socket) => socket.destroy());
    settings = JSON.parse((await device.read('../config/ioto.json5')) ?? '{}');
    await device.configure({
      ...settings,
      mqtt: { ...settings.mqtt, port: impostor.port, timeout: '1 sec' },
    });
    program = world.switchOn(device);
  });
  afterAll(() => impostor?.[Symbol.asyncDispose]());

  const down = (path: string, payload: string) =>
    greetThenSay(() => publishPacket(`ioto/device/${id}/${path}`, payload, 1));

  it.each<[string, () => (socket: TLSSocket) => void]>([
    ['closes at once', () => (socket) => socket.destroy()],
    ['says nothing', () => () => undefined],
    ['speaks HTTP', () => (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends noise', () => (socket) => socket.write(randomBytes(5000))],
    ['refuses it for now', () => (socket) => socket.write(Buffer.from([0x20, 2, 0, 3]))],
    ['sends a packet of 256 MB', () => greetThenSay(() => HUGE)],
    ['sends JSON that is none', () => down('sync/UPSERT', '{"_type":')],
    ['sends items of no model', () => down('sync/UPSERT', '{"_type":"__proto__","sk":"x"}')],
    ['acknowledges what was never sent', () => down('sync/SYNC', '{"seq":1,"keys":["s#x",7,null]}')],
    ['sends times that are none', () => down('sync/SYNCDOWN', '{"updated":"tomorrow"}')],
    ['sends a release of long ago', () => down('provision/release', String(Date.now() - 60_000))],
  ])('that %s keeps its identity, goes on serving, and tries again', async (_name, behaviour) => {
    impostor.behave = behaviour();
    const before = impostor.connections;
    impostor.drop();
    await until('a connection', () => impostor.connections > before);
    await new Promise((resolve) => setTimeout(resolve, 200));
    impostor.drop();
    await until('another connection', () => impostor.connections > before + 1);
    expect(program.exit, program.said).toBeUndefined();
    expect(program.stderr).not.toMatch(/at .*\.js:\d+/);
    expect(await device.id()).toBe(id);
    expect(await device.read('certs', 'ioto.crt')).toBeDefined();
    const [, web] = await program.waitFor(/127\.0\.0\.1:(\d+)/);
    expect((await callApi({ url: `http://127.0.0.1:${web}/`, method: 'GET' })).status).toBe(200);
  });

  it('comes back to the real one as if nothing had been', async () => {
    expect(await program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await device.configure(settings);
    await world.online(id, world.switchOn(device));
  });

  it('that another authority vouches for is not spoken to', async () => {
    const { device, program } = await world.connectedDevice();
    await program.kill();
    const stranger = await (await TestAuthority.create()).issue({
      commonName: 'localhost',
      dnsNames: ['localhost'],
    });
    let heard = '';
    await using impostor = await TlsImpostor.start(stranger, (socket) => {
      socket.on('data', (bytes) => {
        heard += bytes;
      });
    });
    const settings = JSON.parse((await device.read('../config/ioto.json5')) ?? '{}');
    await device.configure({ ...settings, mqtt: { ...settings.mqtt, port: impostor.port } });
    const again = world.switchOn(device);
    await again.waitFor(/a step towards the cloud failed/);
    expect(heard).toBe('');
    expect(await device.read('certs', 'ioto.crt')).toBeDefined();
  });
});

describe('the control socket of a device', () => {
  it('takes rubbish without harm', async () => {
    const { device, program } = await world.connectedDevice();
    for (const bytes of [
      'rubbish\n',
      '__proto__\n',
      'constructor\n',
      '',
      'x'.repeat(100_000),
      randomBytes(1000),
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(`${device.state}/control.sock`, () => socket.end(bytes));
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    expect(program.exit).toBeUndefined();
  });
});
