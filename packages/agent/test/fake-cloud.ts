import type { IncomingHttpHeaders } from 'node:http';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { MqttServer } from '@ioto/mqtt';
import {
  type AgreedSyncUp,
  deviceTopic,
  parseServiceTopic,
  SIGNATURE_HEADER,
  SYNC_HELLO,
  type SyncAbility,
  type SyncHello,
  type SyncHelloAnswer,
  type SyncVerb,
  verifyRequest,
} from '@ioto/protocol';
import { silentLogger, systemClock } from '@ioto/runtime';
import { Authority } from './authority.ts';

export interface ReceivedCall {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export interface FakeAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Close the connection instead of answering, after everything was done. */
  drop?: boolean;
}

/**
 * As much of builder and device cloud as the agent's own tests need, on real sockets and by the wire contract: it
 * registers, issues certificates, speaks MQTT over mutual TLS and keeps items. What it saw can be read, and what it
 * answers can be changed.
 */
export class FakeCloud {
  readonly authority: Authority;
  readonly calls: ReceivedCall[] = [];
  readonly pinned = new Map<string, string>();
  readonly claims = new Map<string, { accountId: string; token: string }>();
  /** Certificates by token and public key, so that asking again gives the same. */
  readonly issued = new Map<string, string>();
  readonly batches: AgreedSyncUp[] = [];
  readonly hellos: SyncHello[] = [];
  /** Topics of what devices published, in order. */
  readonly topics: string[] = [];
  /** Filters that devices asked for, or had in a session, in order. */
  readonly filters = new Set<string>();
  readonly downRequests: string[] = [];
  readonly items = new Map<string, Record<string, unknown>>();
  /** Asked before each answer; what it returns replaces the answer. */
  intercept: (call: ReceivedCall, answer: FakeAnswer) => FakeAnswer | undefined = () => undefined;
  /** CONNACK return code for a device, 0 to let it in. */
  admit: (id: string) => 0 | 3 | 5 = () => 0;
  /** Whether a filter may be subscribed. */
  grants: (filter: string) => boolean = () => true;
  acknowledges = true;
  /** What is said to a hello; nothing for undefined. */
  hello: (hello: SyncHello) => SyncHelloAnswer | 'not JSON' | undefined = () => agreedOn([]);
  /** More properties of a provision answer. */
  provisionAnswer: Readonly<Record<string, unknown>> = {};
  /** Nothing that arrives is taken, and no PUBACK sent. */
  isStuck = false;
  endsSyncDown = true;
  /** What is sent before SYNCDOWN. */
  backlog: { verb: SyncVerb; item: Record<string, unknown> }[] = [];
  handshakes = 0;
  #https: HttpsServer | undefined;
  #tls: Server | undefined;
  #mqtt: MqttServer<string>;
  #waiting = new Map<string, () => void>();

  private constructor(authority: Authority) {
    this.authority = authority;
    this.#mqtt = this.#makeMqtt();
  }

  static async create(): Promise<FakeCloud> {
    const cloud = new FakeCloud(await Authority.create());
    const server = await cloud.authority.issueServer('localhost');
    cloud.#https = createHttps(server, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const call = {
          path: request.url ?? '',
          headers: request.headers,
          body: JSON.parse(String(Buffer.concat(chunks))),
        };
        cloud.calls.push(call);
        void cloud.#handle(call, Buffer.concat(chunks)).then((plain) => {
          const { status = 200, headers = {}, body, drop } = cloud.intercept(call, plain) ?? plain;
          if (drop) request.socket.destroy();
          else
            response
              .writeHead(status, { 'content-type': 'application/json', ...headers })
              .end(JSON.stringify(body));
        });
      });
    });
    cloud.#tls = createTls(
      {
        ...server,
        ca: cloud.authority.pem,
        requestCert: true,
        rejectUnauthorized: true,
        ALPNProtocols: ['x-amzn-mqtt-ca'],
      },
      (socket) => {
        cloud.handshakes += 1;
        cloud.#mqtt.accept(socket, { remoteAddress: '127.0.0.1', context: commonName(socket) });
      },
    );
    cloud.#tls.on('tlsClientError', () => undefined);
    await Promise.all([listen(cloud.#https), listen(cloud.#tls)]);
    return cloud;
  }

  get builder(): string {
    return `https://localhost:${portOf(this.#https)}/api`;
  }

  callsTo(verb: 'register' | 'provision'): ReceivedCall[] {
    return this.calls.filter(({ path }) => path.endsWith(`/device/${verb}`));
  }

  claim(id: string, accountId = 'account1'): void {
    this.claims.set(id, { accountId, token: `token-${accountId}-${this.claims.size}` });
    this.#waiting.get(id)?.();
  }

  isConnected(id: string): boolean {
    return this.#mqtt.isConnected(id);
  }

  /** The certificate is worth nothing any more, and the device nobody's. */
  release(id: string): void {
    this.claims.delete(id);
    this.admit = (device) => (device === id ? 5 : 0);
  }

  sync(id: string, verb: SyncVerb, body: object): Promise<unknown> {
    return this.#mqtt.deliver(id, deviceTopic.sync(id, verb), JSON.stringify(body));
  }

  deliver(id: string, topic: string, payload: string): Promise<unknown> {
    return this.#mqtt.deliver(id, topic, payload);
  }

  /** Cuts the connection as a failing network does; the session stays. */
  cut(id: string): void {
    this.#mqtt.disconnect(id, 'CONNECTION_LOST');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const release of this.#waiting.values()) release();
    await this.#mqtt.stop();
    this.#tls?.close();
    this.#https?.closeAllConnections();
    this.#https?.close();
  }

  async #handle(call: ReceivedCall, raw: Buffer): Promise<FakeAnswer> {
    const { path, body, headers } = call;
    const id = String(body.id);
    if (typeof body.publicKey === 'string' && !this.pinned.has(id)) this.pinned.set(id, body.publicKey);
    const pinned = this.pinned.get(id);
    if (pinned !== undefined) {
      const header = headers[SIGNATURE_HEADER];
      try {
        verifyRequest(
          { method: 'POST', path, body: raw },
          typeof header === 'string' ? header : undefined,
          pinned,
          Date.now(),
        );
      } catch (error) {
        return { status: 401, body: { error: String(error), code: (error as { code: string }).code } };
      }
    }
    if (path === '/api/device/register') return this.#register(id, Number(body.wait ?? 0));
    if (path === '/api/tok/provision/update') return { body: {} };
    return this.#provision(id, String(body.csr), headers.authorization);
  }

  async #register(id: string, wait: number): Promise<FakeAnswer> {
    if (wait > 0 && !this.claims.has(id)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait * 1000);
        this.#waiting.set(id, () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    const claim = this.claims.get(id);
    return { body: claim ? { registered: true, id, api: this.builder, ...claim } : { registered: true } };
  }

  async #provision(id: string, csr: string, authorization: string | undefined): Promise<FakeAnswer> {
    const claim = this.claims.get(id);
    if (!claim || authorization !== `bearer ${claim.token}`) {
      return { status: 401, body: { error: 'Authentication failed', code: 'TOKEN_VOID' } };
    }
    const name = `${claim.token} ${this.pinned.get(id)}`;
    const certificate = this.issued.get(name) ?? (await this.authority.signCsr(csr));
    this.issued.set(name, certificate);
    const { accountId } = claim;
    const port = portOf(this.#tls);
    const answer = { id, accountId, certificate, endpoint: 'localhost', port, ca: this.authority.pem };
    return { body: { ...answer, ...this.provisionAnswer } };
  }

  #makeMqtt(): MqttServer<string> {
    return new MqttServer<string>({
      clock: systemClock,
      logger: silentLogger,
      hooks: {
        authenticate: async ({ clientId }, { context }) => {
          const code = context === clientId ? this.admit(clientId) : 2;
          if (code !== 0) return { accept: false, returnCode: code, reason: 'not admitted' };
          return { accept: true, principal: clientId };
        },
        mayPublish: (id, topic) => parseServiceTopic(topic)?.id === id || isOfThing(id, topic),
        maySubscribe: (_id, filter) => {
          this.filters.add(filter);
          return this.grants(filter);
        },
        received: (id, { topic, payload }) => {
          if (this.isStuck) return new Promise(() => undefined);
          // Nothing is said about the thing: no service depends on an answer.
          if (isOfThing(id, topic)) return undefined;
          this.topics.push(topic);
          const message = parseServiceTopic(topic)?.message;
          const body = JSON.parse(String(payload));
          if (message?.kind === 'request') this.#asked(id, message, body);
          else this.#received(id, topic, body);
          return undefined;
        },
      },
    });
  }

  #asked(id: string, { request, n }: { request: string; n: string }, body: SyncHello): void {
    if (request !== SYNC_HELLO) return;
    this.hellos.push(body);
    const answer = this.hello(body);
    if (answer) void this.deliver(id, deviceTopic.answer(id, request, n), JSON.stringify(answer));
  }

  #received(id: string, topic: string, body: AgreedSyncUp & { timestamp: string }): void {
    const kind = parseServiceTopic(topic)?.message.kind;
    const updated = new Date().toISOString();
    if (kind === 'syncUp') {
      this.batches.push(body);
      if (!this.acknowledges) return;
      for (const { cmd, key, item } of body.changes) {
        if (cmd === 'remove') this.items.delete(key);
        else this.items.set(key, { ...item });
      }
      const { seq, changes, through } = body;
      const ack = through === undefined ? { keys: changes.map(({ key }) => key) } : { all: true, through };
      void this.sync(id, 'SYNC', { seq, ...ack, updated });
    } else if (kind === 'syncDown') {
      this.downRequests.push(body.timestamp);
      for (const { verb, item } of this.backlog.splice(0)) void this.sync(id, verb, item);
      if (this.endsSyncDown) void this.sync(id, 'SYNCDOWN', { updated });
    }
  }
}

/** An answer to a hello that agrees on these. */
export function agreedOn(can: readonly SyncAbility[]): SyncHelloAnswer {
  const pace = { window: 4, bytes: 122_880 };
  return { v: 1, can: [...can], schema: '', through: 0, time: new Date().toISOString(), pace };
}

function commonName(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject?.CN);
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, 'localhost', resolve));
}

function portOf(server: Server | undefined): number {
  const address = server?.address() as AddressInfo | null | undefined;
  return address?.port ?? 0;
}

/** Topics that AWS has for a device. */
function isOfThing(id: string, topic: string): boolean {
  return topic.startsWith(`$aws/things/${id}/`);
}
