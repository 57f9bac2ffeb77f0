import { Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import {
  deviceTopic,
  masterFilters,
  type ProvisionAnswer,
  type RegisterAnswer,
  SIGNATURE_HEADER,
  serviceTopic,
  signRequest,
} from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import { connectPacket, pubackPacket, publishPacket, subscribePacket } from '../old-agent/packets.ts';
import type { FleetIdentity } from './identities.ts';
import { type Incoming, readPackets } from './mqtt-stream.ts';

export interface FleetSite {
  /** Base of the builder's API, with /api. */
  builder: string;
  /** PEM of the authority. */
  authority: string;
  /** Product ID, the registration token. */
  product: string;
  /** Shared by the fleet, so that HTTPS connections are kept alive. */
  http: Agent;
}

/** An HTTPS agent that a fleet shares: a few connections, kept alive. */
export function fleetHttp(authority: string, connections: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections, ca: authority });
}

/** `POST` of JSON; every status but 2xx is FLEET_REFUSED. */
export function postJson<T>(
  http: Agent,
  url: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<T> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method: 'POST',
        agent: http,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const received = Buffer.concat(chunks).toString();
          if ((answer.statusCode ?? 500) < 300) resolve(JSON.parse(received) as T);
          else
            reject(
              new CodedError('FLEET_REFUSED', `${new URL(url).pathname}: ${answer.statusCode} ${received}`),
            );
        });
      },
    );
    call.on('error', reject);
    call.end(text);
  });
}

/** A device of a simulated fleet: the calls and packets of a current agent, without its files and its database. */
export class SimulatedDevice {
  readonly identity: FleetIdentity;
  readonly #site: FleetSite;
  #socket: TLSSocket | undefined;
  #waiting: ((packet: Incoming) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #accountId = '';

  constructor(identity: FleetIdentity, site: FleetSite) {
    this.identity = identity;
    this.#site = site;
  }

  /** With `wait` seconds, answered as soon as the device is claimed. */
  register(wait?: number): Promise<RegisterAnswer> {
    const { id, publicKey } = this.identity;
    const { builder, product } = this.#site;
    const body = { id, product, name: 'Simulated', publicKey, ...(wait ? { wait } : {}) };
    return this.#signed<RegisterAnswer>(`${builder}/device/register`, body, product);
  }

  provision(claimed: RegisterAnswer): Promise<ProvisionAnswer> {
    const { id, csr } = this.identity;
    return this.#signed<ProvisionAnswer>(
      `${claimed.api}/tok/device/provision`,
      { id, csr },
      claimed.token ?? '',
    );
  }

  /** Mutual TLS, CONNECT, and the three master filters; resolves when the last is granted. */
  async connect(provision: ProvisionAnswer): Promise<void> {
    this.#accountId = provision.accountId;
    const { id, keyPem } = this.identity;
    const socket = connect({
      host: 'localhost',
      port: provision.port,
      servername: provision.endpoint,
      ca: this.#site.authority,
      cert: provision.certificate,
      key: keyPem,
      ALPNProtocols: ['x-amzn-mqtt-ca'],
    });
    this.#socket = socket;
    socket.on('error', (error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new CodedError('FLEET_CLOSED', `the cloud closed ${id}`)));
    readPackets(socket, (packet) => {
      if (packet.type === 'publish' && packet.packetId !== undefined)
        socket.write(pubackPacket(packet.packetId));
      this.#waiting?.(packet);
    });
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      socket.once('secureConnect', resolve);
    });
    await this.#exchange(
      [connectPacket(id)],
      (packet) => packet.type === 'connack' && packet.returnCode === 0,
    );
    const filters = masterFilters(id, this.#accountId);
    let granted = 0;
    await this.#exchange(
      filters.map((filter, index) => subscribePacket(index + 1, filter)),
      (packet) => {
        if (packet.type === 'suback') granted += 1;
        return granted === filters.length;
      },
    );
  }

  /** Sends one Store item up; resolves when the cloud says that it is durable. */
  async syncUp(key: string, value: string, seq: number): Promise<void> {
    const { id } = this.identity;
    const updated = new Date().toISOString();
    const item = {
      _type: 'Store',
      sk: `s#${key}`,
      key,
      value,
      type: 'string',
      accountId: this.#accountId,
      deviceId: id,
      updated,
    };
    const batch = { seq, changes: [{ cmd: 'upsert', key: item.sk, item }] };
    const done = deviceTopic.sync(id, 'SYNC');
    await this.#exchange(
      [publishPacket(serviceTopic.syncUp(id), JSON.stringify(batch), (seq % 65_535) + 1)],
      (packet) => packet.type === 'publish' && packet.topic === done,
    );
  }

  close(): void {
    this.#failed = undefined;
    this.#socket?.destroy();
  }

  #exchange(packets: readonly Buffer[], isDone: (packet: Incoming) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#waiting = (packet) => {
        if (packet.type === 'connack' && packet.returnCode !== 0) {
          reject(new CodedError('FLEET_REFUSED', `CONNACK ${packet.returnCode} for ${this.identity.id}`));
        }
        if (isDone(packet)) resolve();
      };
      for (const packet of packets) this.#socket?.write(packet);
    });
  }

  #signed<T>(url: string, body: object, token: string): Promise<T> {
    const parts = { method: 'POST', path: new URL(url).pathname, body: JSON.stringify(body) };
    return postJson<T>(this.#site.http, url, body, {
      authorization: `bearer ${token}`,
      'ioto-agent': '2',
      [SIGNATURE_HEADER]: signRequest(parts, this.identity.privateKey, Date.now()),
    });
  }
}
