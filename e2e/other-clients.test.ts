import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const installed = (() => {
  try {
    execFileSync('mosquitto_pub', ['--help'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    // Its help exits with 1; only a program that is not there fails to start.
    return (error as { code?: string }).code !== 'ENOENT';
  }
})();

/** A client that nobody here has written must find an MQTT server that it understands. */
describe.skipIf(!installed)('mosquitto’s clients (skipped where mosquitto-clients is not installed)', () => {
  let world: World;
  let mqttPort: number;
  let id: string;
  let common: string[];

  beforeAll(async () => {
    mqttPort = await freePort();
    world = await World.create({ args: ['--mqtt', `127.0.0.1:${mqttPort}`] });
    const { device, program, id: deviceId } = await world.connectedDevice();
    await program.kill();
    id = deviceId;
    const certs = join(device.state, 'certs');
    common = [
      ...['-h', 'localhost', '-i', id, '-V', 'mqttv311', '-q', '1', '--cafile', world.cloud.authorityFile],
      ...['--cert', join(certs, 'ioto.crt'), '--key', join(certs, 'ioto.key')],
    ];
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  function publish(
    topic: string,
    payload: string,
    more: string[],
  ): Promise<{ code: number; stderr: string }> {
    return new Promise((resolve) => {
      const args = [...common, ...more, '-t', topic, '-m', payload];
      execFile('mosquitto_pub', args, { timeout: 10_000 }, (error, _stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stderr });
      });
    });
  }

  it.each([
    ['the main port with ALPN', () => ['-p', String(world.cloud.port), '--tls-alpn', 'x-amzn-mqtt-ca']],
    ['the port of --mqtt without', () => ['-p', String(mqttPort)]],
  ])('publish a value over %s, which is then in the cloud', async (name, more) => {
    const topic = `$aws/rules/IotoDevice/ioto/service/${id}/store/set`;
    const body = JSON.stringify({ key: 'from', value: name, type: 'string' });
    expect(await publish(topic, body, more())).toEqual({ code: 0, stderr: '' });
    await until('the value', async () => (await world.stored(id, 'from')) === name);
  });

  it('subscribe, and get what the cloud sends', async () => {
    const args = [
      ...common,
      '-p',
      String(mqttPort),
      '-t',
      `ioto/device/${id}/#`,
      '-v',
      '-C',
      '1',
      '-W',
      '15',
    ];
    const subscriber = spawn('mosquitto_sub', args);
    let heard = '';
    subscriber.stdout.on('data', (text) => {
      heard += text;
    });
    const ended = once(subscriber, 'exit');
    await until(
      'it to be connected',
      async () => {
        const body = { _type: 'Command', deviceId: id, command: 'blink', args: {} };
        await world.cloud.call('/generic/create', { bearer: world.owner.token, body });
        return heard !== '';
      },
      { every: 200 },
    );
    expect((await ended)[0]).toBe(0);
    expect(heard).toMatch(new RegExp(`^ioto/device/${id}/sync/\\w+ \\{.*"command":"blink"`));
  });

  it('are refused another device’s topics', async () => {
    const { code } = await publish('ioto/service/JT08FFQXWQ/test/ping', '{}', ['-p', String(mqttPort)]);
    expect(code).not.toBe(0);
  });
});
