import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Program } from '@ioto/testkit';
import mqtt, { type IClientOptions } from 'mqtt';
import {
  type Access,
  type ClientProgram,
  EXPIRY,
  Listener,
  type Listening,
  type Message,
  type Outcome,
  type Sending,
} from './client-program.ts';

const LISTENER = fileURLToPath(new URL('../devices/mqtt-js-listener.mjs', import.meta.url));

/** MQTT.js: here where it publishes, in a process of its own where it listens, because that may be killed. */
export class MqttJs implements ClientProgram {
  readonly level: 4 | 5;

  constructor(level: 4 | 5) {
    this.level = level;
  }

  async publish(access: Access, sending: Sending): Promise<Outcome> {
    const { topic, payloads, qos, retain = false } = sending;
    const client = mqtt.connect(await this.options(access, { will: sending.will }));
    const ended = new Promise<Outcome>((resolve) => {
      // A number is the server's; anything else comes of a connection that ended.
      client.on('error', ({ code }: Error & { code?: unknown }) =>
        resolve(typeof code === 'number' ? `CONNACK ${code}` : 'closed'),
      );
      client.on('close', () => resolve('closed'));
    });
    const send = async (): Promise<Outcome> => {
      for (const payload of payloads)
        await client.publishAsync(topic, payload, { qos: qos as 0 | 1 | 2, retain });
      return 'done';
    };
    const sent = send().catch(({ code }): Outcome | Promise<Outcome> =>
      typeof code === 'number' ? `refused ${code}` : ended,
    );
    const outcome = await Promise.race([sent, ended]);
    await client.endAsync(outcome !== 'done');
    return outcome;
  }

  async listen(access: Access, listening: Listening): Promise<Listener> {
    const { filters, qos } = listening;
    const task = { options: await this.options(access, listening), filters, qos };
    const program = Program.spawnScript(LISTENER, [], { stdin: JSON.stringify(task) });
    return Listener.of(program, { suback: /^suback \[(.*)\]$/m, message: messageOf });
  }

  /** They can be written as JSON. */
  async options(
    access: Access,
    { persistent = false, keepAlive, will }: Partial<Listening> = {},
  ): Promise<IClientOptions> {
    const { port, alpn, authority, certificate, key, clientId } = access;
    const [ca, cert, privateKey] = await Promise.all(
      [authority, certificate, key].map((file) => readFile(file, 'utf8')),
    );
    return {
      ...{ protocol: 'mqtts', host: 'localhost', port, ca, cert, key: privateKey },
      ...(alpn ? { ALPNProtocols: [alpn] } : {}),
      ...{ clientId, protocolVersion: this.level, clean: !persistent, reconnectPeriod: 0 },
      ...(keepAlive === undefined ? {} : { keepalive: keepAlive }),
      ...(this.level === 5 && persistent ? { properties: { sessionExpiryInterval: EXPIRY } } : {}),
      ...(will ? { will: { ...will, qos: 1, retain: false } } : {}),
    } as IClientOptions;
  }
}

function messageOf(line: string): Message | undefined {
  const [, json] = /^message (.*)$/.exec(line) ?? [];
  return json === undefined ? undefined : JSON.parse(json);
}
