import type { Program } from '@ioto/testkit';

/** Seconds that a session of MQTT 5 outlives its connection, where it shall. */
export const EXPIRY = 600;

/** How a client comes in, and as which device. */
export interface Access {
  port: number;
  /** ALPN protocol that it offers; without it none. */
  alpn?: string;
  /** Path of the PEM file of the authority that it trusts. */
  authority: string;
  /** Paths of PEM files. */
  certificate: string;
  key: string;
  clientId: string;
}

export interface Message {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
}

export interface Sending {
  topic: string;
  /** One message each, sent in order. */
  payloads: string[];
  qos: number;
  retain?: boolean;
  /** The client's will, with QoS 1. */
  will?: { topic: string; payload: string };
}

export interface Listening {
  filters: string[];
  qos: number;
  /** The session outlives the connection. */
  persistent?: boolean;
  /** Seconds; by default the client's own. */
  keepAlive?: number;
  /** The client's will, with QoS 1. */
  will?: { topic: string; payload: string };
}

/**
 * What came of a sending: `done`; `CONNACK n`, not let in with that return code; `refused n`, a message was refused with
 * that reason code; `closed`, the connection ended without a word.
 */
export type Outcome = 'done' | 'closed' | `CONNACK ${number}` | `refused ${number}`;

/** A client of somebody else's, started anew for each thing that it does. */
export interface ClientProgram {
  /** Of the protocol: 4 is 3.1.1. */
  level: 4 | 5;
  /** Connects, publishes and takes its leave. */
  publish(access: Access, sending: Sending): Promise<Outcome>;
  /** Connects and subscribes; resolves once that was answered. */
  listen(access: Access, listening: Listening): Promise<Listener>;
}

/** What a client says of itself, line by line. */
export interface Speech {
  /** Matches the answer to SUBSCRIBE; its first group is a JSON list without its brackets. */
  suback: RegExp;
  /** Makes a message of a line, if it is one. */
  message(line: string): Message | undefined;
}

/** A client that listens until it is killed, at the latest with its scope. */
export class Listener {
  /** What SUBACK says to each filter: the granted QoS, or why not. */
  readonly granted: number[];
  readonly #program: Program;
  readonly #speech: Speech;

  private constructor(program: Program, speech: Speech, granted: number[]) {
    this.#program = program;
    this.#speech = speech;
    this.granted = granted;
  }

  /** Resolves once its SUBSCRIBE is answered. */
  static async of(program: Program, speech: Speech): Promise<Listener> {
    try {
      const [, granted] = await program.waitFor(speech.suback);
      return new Listener(program, speech, JSON.parse(`[${granted}]`));
    } catch (error) {
      await program.kill();
      throw error;
    }
  }

  /** All that came so far, in order. */
  get heard(): Message[] {
    const lines = this.#program.stdout.split('\n').slice(0, -1);
    return lines.flatMap((line) => this.#speech.message(line) ?? []);
  }

  get payloads(): string[] {
    return this.heard.map(({ payload }) => payload);
  }

  /** By SIGSTOP: its connection stays, and it says no more. */
  freeze(): void {
    process.kill(this.#program.pid, 'SIGSTOP');
  }

  /** By SIGKILL: it says no word to anybody. */
  async kill(): Promise<void> {
    await this.#program.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
