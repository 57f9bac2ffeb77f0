import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, type Component, errorCatalogue, type Logger, messageOf } from '@ioto/runtime';
import { type ServerOptions, WebSocketServer } from 'ws';
import { notedPeer } from '../http/connection-peer.ts';
import { addressKey } from '../limits/address-key.ts';
import { type BucketRule, TokenBuckets } from '../limits/token-bucket.ts';
import type { CredentialOpener, ProvenCredential } from '../ports/credential-issuer.ts';
import type { DeviceConnections, Peer } from '../ports/device-endpoint.ts';
import { isSigned } from '../sigv4/parse-signature.ts';
import { verifySignedRequest } from '../sigv4/verify-request.ts';
import { refusalOf, refuseUpgrade } from './refuse-upgrade.ts';
import { WebSocketDuplex } from './websocket-duplex.ts';

const PATH = '/mqtt';
/** What the standard calls it, and what clients of 3.1 did [MQTT-6.0.0-3]. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'];
/** AWS's signing names for this. */
const SERVICES = ['iotdevicegateway', 'iotdata'];
/** Frames, or reads, that one message may come in: each costs memory however small it is. */
const MOST_PIECES = 4096;

export const upgradeError = errorCatalogue({
  UPGRADE_UNKNOWN: { status: 404 },
  UPGRADE_MALFORMED: { status: 400 },
  UPGRADE_TOO_LATE: { status: 503, retryable: true },
  SUBPROTOCOL_MISSING: { status: 400 },
  ORIGIN_FOREIGN: { status: 403 },
  ADDRESS_TOO_BUSY: { status: 429, retryable: true },
});

export interface WebSocketLimits {
  /** Bytes of a message, which may have come in several frames. */
  message: number;
  /** Milliseconds from the request to the answer that opens the WebSocket. */
  handshakeTimeout: number;
  /** WebSockets of one address at once: fleets share addresses, so it only stops floods. */
  perAddress: number;
  /** Requests for one, of one address. */
  requests: BucketRule;
  /** Milliseconds that a client is given to answer a close frame. */
  closeTimeout: number;
}

export const webSocketLimits: WebSocketLimits = {
  message: 256 * 1024,
  handshakeTimeout: 10_000,
  perAddress: 10_000,
  requests: { burst: 5000, period: 20_000 },
  closeTimeout: 1000,
};

export interface MqttWebSocketOptions {
  /** Takes the connections. */
  endpoint: DeviceConnections;
  credentials: CredentialOpener;
  /** Of the credential scope. */
  region: () => string;
  clock: Clock;
  logger: Logger;
  limits?: Partial<WebSocketLimits>;
  /** Told of every request that did not become a WebSocket, with the code of the refusal. */
  onRefused?: (code: string) => void;
}

/**
 * MQTT over WebSocket (3.1.1 and 5.0, chapter 6) on `GET /mqtt`, for who shows a device certificate or has signed the
 * request (AWS Signature Version 4). Nobody else gets as far as a frame.
 */
export class MqttWebSocket implements Component {
  readonly name = 'MQTT over WebSocket';
  readonly #options: MqttWebSocketOptions;
  readonly #limits: WebSocketLimits;
  readonly #requests: TokenBuckets;
  readonly #perAddress = new Map<string, number>();
  /** Whose request is being looked at. */
  readonly #waiting = new Set<Duplex>();
  #server: WebSocketServer | undefined;
  #open = 0;

  constructor(options: MqttWebSocketOptions) {
    this.#options = options;
    this.#limits = { ...webSocketLimits, ...options.limits };
    this.#requests = new TokenBuckets({ clock: options.clock, rule: this.#limits.requests });
  }

  async start(): Promise<void> {
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      // Compression would let a small frame become a large one.
      perMessageDeflate: false,
      maxPayload: this.#limits.message,
      maxFragments: MOST_PIECES,
      maxBufferedChunks: MOST_PIECES,
      closeTimeout: this.#limits.closeTimeout,
      autoPong: false,
      handleProtocols: (offered) => SUBPROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
    };
    this.#server = new WebSocketServer(options);
  }

  /** Those that are open belong to the endpoint, which ends them. */
  async stop(): Promise<void> {
    this.#server = undefined;
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting.clear();
  }

  /** WebSockets that are open now. */
  get open(): number {
    return this.#open;
  }

  /** Takes a request that wants to be something else than HTTP; `head` is what came with it. Never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { clock } = this.#options;
    socket.on('error', () => socket.destroy());
    this.#waiting.add(socket);
    const settle = (): boolean => {
      cancel();
      return this.#waiting.delete(socket);
    };
    const refuse = (error: unknown) => {
      if (settle()) this.#refuse(socket, error);
      else socket.destroy();
    };
    const cancel = clock.after(
      this.#limits.handshakeTimeout,
      () => refuse(upgradeError('UPGRADE_TOO_LATE', 'the request could not be answered in time')),
      { unref: true },
    );
    this.#admit(request)
      .then((peer) => {
        if (settle()) this.#complete(request, socket, head, peer);
      })
      .catch(refuse);
  }

  #refuse(socket: Duplex, thrown: unknown): void {
    const { logger, onRefused } = this.#options;
    const error = refusalOf(thrown);
    if (error.status === 500) logger.error({ error: messageOf(thrown) }, 'cannot open a WebSocket');
    onRefused?.(error.code);
    refuseUpgrade(socket, error);
  }

  /** Who it is. @throws what is wrong with the request. */
  async #admit(request: IncomingMessage): Promise<Peer> {
    const peer = notedPeer(request.socket) ?? { remoteAddress: 'unknown' };
    this.#refuseFlood(peer.remoteAddress);
    checkRequest(request);
    const signed = { ...signedParts(request), body: Buffer.alloc(0) };
    // Whoever signs means to be who the signature says, also where the connection carries a certificate.
    if (peer.certificate && !isSigned(signed)) {
      refuseForeignOrigin(request);
      return peer;
    }
    const { clock, region, credentials } = this.#options;
    const credential = await verifySignedRequest<ProvenCredential>(signed, {
      now: clock.now(),
      region: region(),
      services: SERVICES,
      open: (keys) => credentials.open(keys),
    });
    return { remoteAddress: peer.remoteAddress, credential };
  }

  #refuseFlood(remoteAddress: string): void {
    const address = addressKey(remoteAddress);
    const wait = this.#requests.take(address);
    if (wait > 0) {
      throw upgradeError('ADDRESS_TOO_BUSY', 'too many requests from this address', { retryAfter: wait });
    }
    const { perAddress } = this.#limits;
    if ((this.#perAddress.get(address) ?? 0) < perAddress) return;
    throw upgradeError('ADDRESS_TOO_BUSY', `this address has ${perAddress} WebSockets open, the most it may`);
  }

  #complete(request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void {
    if (!this.#server) {
      socket.destroy();
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const address = addressKey(peer.remoteAddress);
      this.#open += 1;
      this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
      webSocket.once('close', () => this.#left(address));
      this.#options.endpoint.accept(new WebSocketDuplex(webSocket, socket), peer);
    });
  }

  #left(address: string): void {
    this.#open -= 1;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

function signedParts({ method = '', url = '', rawHeaders }: IncomingMessage) {
  return { method, target: url, rawHeaders };
}

/** A browser shows its certificate for every website that asks it to connect; a signature nobody makes by mistake. */
function refuseForeignOrigin({ headers: { origin, host = '' } }: IncomingMessage): void {
  if (origin === undefined || origin === `https://${host}`) return;
  throw upgradeError('ORIGIN_FOREIGN', 'a website may not use the certificate of who visits it');
}

function checkRequest({ method, url = '', headers }: IncomingMessage): void {
  if (url.split('?')[0] !== PATH) {
    throw upgradeError('UPGRADE_UNKNOWN', `there is nothing but MQTT to be had here, on ${PATH}`);
  }
  const key = headers['sec-websocket-key'] ?? '';
  const version = headers['sec-websocket-version'];
  if (
    method !== 'GET' ||
    headers.upgrade?.toLowerCase() !== 'websocket' ||
    !/^[+/0-9A-Za-z]{22}==$/.test(key) ||
    version !== '13'
  ) {
    throw upgradeError(
      'UPGRADE_MALFORMED',
      'this is not the beginning of a WebSocket (RFC 6455, version 13)',
    );
  }
  // [MQTT-6.0.0-3] [MQTT-6.0.0-4]
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.some((name) => SUBPROTOCOLS.includes(name))) {
    throw upgradeError('SUBPROTOCOL_MISSING', 'the WebSocket must offer the subprotocol mqtt [MQTT-6.0.0-3]');
  }
}
