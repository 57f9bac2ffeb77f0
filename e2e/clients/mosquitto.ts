import { execFileSync } from 'node:child_process';
import { Program } from '@ioto/testkit';
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

const NOT_AUTHORIZED = 0x87;

/** False where its two programs are not installed. */
export const mosquittoInstalled = ['mosquitto_pub', 'mosquitto_sub'].every((command) => {
  try {
    execFileSync(command, ['--help'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    // Its help exits with 1; only a program that is not there fails to start.
    return (error as { code?: string }).code !== 'ENOENT';
  }
});

/** mosquitto_pub and mosquitto_sub. */
export class Mosquitto implements ClientProgram {
  readonly level: 4 | 5;

  constructor(level: 4 | 5) {
    this.level = level;
  }

  async publish(access: Access, { topic, payloads, qos, retain, will }: Sending): Promise<Outcome> {
    const [only = '', ...others] = payloads;
    const what = others.length > 0 ? ['-l'] : only === '' ? ['-n'] : ['-m', only];
    const args = [...this.#common(access, qos, will), '-t', topic, ...what, ...(retain ? ['-r'] : [])];
    // With -l, each line of standard input is a message.
    const stdin = payloads.map((line) => `${line}\n`).join('');
    await using program = Program.spawnCommand('mosquitto_pub', args, { stdin });
    await program.exited;
    return outcomeOf(program);
  }

  async listen(access: Access, { filters, qos, persistent, keepAlive, will }: Listening): Promise<Listener> {
    const expiry = this.level === 5 ? ['-x', String(EXPIRY)] : [];
    const args = [
      ...this.#common(access, qos, will),
      ...filters.flatMap((filter) => ['-t', filter]),
      ...(keepAlive === undefined ? [] : ['-k', String(keepAlive)]),
      ...(persistent ? ['-c', ...expiry] : []),
      ...['-F', 'message %q %r %t %p'],
    ];
    // What it writes to a pipe would otherwise be seen when the pipe's buffer is full, or never.
    const program = Program.spawnCommand('stdbuf', ['-oL', 'mosquitto_sub', ...args], {
      name: 'mosquitto_sub',
    });
    return Listener.of(program, { suback: /^Subscribed \(mid: \d+\): (.*)$/m, message: messageOf });
  }

  #common(access: Access, qos: number, will: Sending['will']): string[] {
    const { port, alpn, authority, certificate, key, clientId } = access;
    return [
      ...['-h', 'localhost', '-p', String(port), '-V', this.level === 5 ? 'mqttv5' : 'mqttv311', '-d'],
      ...['--cafile', authority, '--cert', certificate, '--key', key, '-i', clientId, '-q', String(qos)],
      ...(alpn ? ['--tls-alpn', alpn] : []),
      ...(will ? ['--will-topic', will.topic, '--will-payload', will.payload, '--will-qos', '1'] : []),
    ];
  }
}

/** It exits with 0 also when a message was refused: only what it says tells. */
function outcomeOf({ exit, stdout, stderr, said }: Program): Outcome {
  const connack = Number(/received CONNACK \((\d+)\)/.exec(stdout)?.[1] ?? 0);
  if (connack !== 0) return `CONNACK ${connack}`;
  if (/^Warning: Publish \d+ failed: Not authorized/m.test(stderr)) return `refused ${NOT_AUTHORIZED}`;
  if (/connection was lost/.test(stderr)) return 'closed';
  if (exit?.code !== 0 || stderr !== '') throw new Error(`neither done nor refused: ${said}`);
  return 'done';
}

function messageOf(line: string): Message | undefined {
  const [, qos, retain, topic = '', payload = ''] = /^message (\d) (\d) (\S+) (.*)$/.exec(line) ?? [];
  return qos === undefined ? undefined : { topic, payload, qos: Number(qos), retain: retain === '1' };
}
