import { type Clock, CodedError, Emitter, isoTime, systemClock } from '@ioto/runtime';
import { callHttp, type HttpAnswer } from './http-call.ts';
import { blankMemory, type OldAgentMemory, type OldProvision } from './memory.ts';
import {
  metricSetBody,
  type OldDeviceFile,
  type OldItem,
  provisionBody,
  registerBody,
  storeSetBody,
  storeText,
  syncDownBody,
  syncUpBody,
  updateBody,
} from './messages.ts';
import { type CloseReason, MqttConnection } from './mqtt-connection.ts';

export interface OldAgentOptions {
  /** Base of the builder with its `/api`. */
  builder: string;
  device: OldDeviceFile;
  /** PEM for `tls.authority` and `mqtt.authority`. */
  authority?: string;
  memory?: OldAgentMemory;
  clock?: Clock;
  /** Milliseconds that the agent takes over one MQTT message before it answers it; default 5. */
  answerTime?: number;
  /** First `seq` less one; at random by default. */
  seq?: number;
  version?: string;
}

export type OldAgentEvents = {
  registered: { claimed: boolean };
  provisioned: OldProvision;
  connected: { sessionPresent: boolean };
  synced: { seq: number; keys: string[] };
  item: { verb: string; item: OldItem };
  command: OldItem;
  ready: { updated: string };
  message: { topic: string; payload: string };
  released: { at: number };
  forgot: { why: string };
  disconnected: { reason: CloseReason; error?: unknown };
  broke: { error: unknown };
};

/** Milliseconds after which what no SYNC acknowledged goes up again. */
const RESEND_AFTER = 5000;

/**
 * An Ioto 3.0 agent as it is met in the field, one method per step; `lifeOf` plays the whole life. It speaks only through
 * its own writers, so that a mistake of ours on both sides of the wire does not cancel out.
 */
export class OldAgent {
  readonly events = new Emitter<OldAgentEvents>((_event, error) => {
    throw error;
  });
  readonly memory: OldAgentMemory;
  readonly id: string;
  readonly clock: Clock;
  readonly #options: OldAgentOptions;
  #mqtt: MqttConnection | undefined;
  #seq: number;
  #request = 0;
  #introduced = false;
  #cancelResend: () => void = () => undefined;

  constructor(options: OldAgentOptions) {
    this.#options = options;
    this.memory = options.memory ?? blankMemory();
    this.clock = options.clock ?? systemClock;
    this.id = options.device.id;
    this.#seq = options.seq ?? Math.floor(Math.random() * 0x3fffffff);
  }

  get hasCertificate(): boolean {
    return this.memory.provision.certificate !== undefined;
  }

  /** Return codes of the SUBACKs of this connection. */
  get granted(): readonly number[] {
    return this.#mqtt?.granted ?? [];
  }

  /** One call. The answer replaces what was known. Resolves whether the device is claimed. */
  async register(signal?: AbortSignal): Promise<boolean> {
    const { builder, device } = this.#options;
    const answer = await this.#post(
      `${builder}/device/register`,
      device.product,
      registerBody(device),
      signal,
    );
    const body = read200(answer, 'register');
    if (Object.keys(body).length === 0) throw new CodedError('OLD_AGENT_CALL', 'register answered nothing');
    this.memory.provision = body;
    const claimed = typeof body.api === 'string';
    this.events.emit('registered', { claimed });
    return claimed;
  }

  /** One call. Resolves the seconds to wait when the cloud blocks the device, else undefined. */
  async provision(signal?: AbortSignal): Promise<number | undefined> {
    const { api, token } = this.memory.provision;
    const answer = await this.#post(`${api}/tok/device/provision`, token, provisionBody(this.id), signal);
    const body = read200(answer, 'provision');
    if (typeof body.delay === 'number') return body.delay;
    if (body.id !== this.id || typeof body.certificate !== 'string' || typeof body.key !== 'string') {
      throw new CodedError('OLD_AGENT_CALL', 'provision answered without id, certificate and key');
    }
    this.memory.provision = { ...this.memory.provision, ...body };
    this.events.emit('provisioned', this.memory.provision);
    return undefined;
  }

  /** Asks for an update. Exactly two refusals make the agent forget who it is; resolves true when it did. */
  async checkUpdate(signal?: AbortSignal): Promise<boolean> {
    const { api, token } = this.memory.provision;
    const body = updateBody(this.#options.device, this.#options.version ?? '1.0.0');
    const answer = await this.#post(`${api}/tok/provision/update`, token, body, signal);
    const fatal =
      answer.status !== 200 && ['Authentication failed', 'Cannot find device'].includes(answer.body);
    if (fatal) this.forget(answer.body);
    return fatal;
  }

  /** Connects, subscribes and, without waiting for SUBACK, introduces itself and asks for what it missed. */
  async connect(): Promise<void> {
    const { endpoint = '', port = 0, certificate = '', key = '', accountId = '' } = this.memory.provision;
    const mqtt = new MqttConnection({
      host: endpoint,
      port,
      certificate,
      key,
      id: this.id,
      authority: this.#options.authority ?? '',
      answerTime: this.#options.answerTime ?? 5,
      clock: this.clock,
      onMessage: (topic, payload) => this.#onMessage(topic, payload),
      onClose: (reason, error) => this.#onClose(reason, error),
    });
    this.#mqtt = mqtt;
    const sessionPresent = await mqtt.connect();
    for (const filter of [`ioto/device/${this.id}/#`, 'ioto/account/all/#', `ioto/account/${accountId}/#`]) {
      mqtt.subscribe(filter);
    }
    this.#introduce();
    void mqtt.publish(this.#ingest('db/syncDown'), syncDownBody(this.memory.lastSync));
    this.events.emit('connected', { sessionPresent });
  }

  /** Writes a Store item and sends it up. Resolves its `seq`; the SYNC with that number acknowledges it. */
  set(key: string, value: string | number | boolean): number {
    return this.#change('upsert', {
      _type: 'Store',
      sk: `s#${key}`,
      key,
      value: storeText(value),
      type: typeof value,
      accountId: this.memory.provision.accountId,
      deviceId: this.id,
      updated: isoTime(this.clock),
    });
  }

  storeSet(key: string, value: string | number | boolean): Promise<void> {
    return this.publish(this.#ingest('store/set'), storeSetBody(key, value));
  }

  metricSet(metric: string, value: number): Promise<void> {
    return this.publish(this.#ingest('metric/set'), metricSetBody(metric, value));
  }

  ping(): Promise<void> {
    return this.publish(`ioto/service/${this.id}/test/ping`, '{}');
  }

  /** Resolves the bare value that comes back on the topic of the same number. */
  storeGet(key: string): Promise<string> {
    this.#request += 1;
    const request = `store/get/${this.#request}`;
    const answer = new Promise<string>((resolve) => {
      const off = this.events.on('message', ({ topic, payload }) => {
        if (topic !== `ioto/device/${this.id}/${request}`) return;
        off();
        resolve(payload);
      });
    });
    void this.publish(`ioto/service/${this.id}/${request}`, JSON.stringify({ key }));
    return answer;
  }

  /** Resolves at the PUBACK. */
  publish(topic: string, payload: string): Promise<void> {
    if (!this.#mqtt) throw new CodedError('OLD_AGENT_OFFLINE', 'connect first');
    return this.#mqtt.publish(topic, payload);
  }

  /** Sends again what no SYNC has acknowledged. */
  resend(): void {
    if (this.#mqtt && this.memory.pending.size > 0) this.#send([...this.memory.pending.values()]);
  }

  /** Forgets certificate, account and cloud, but not who it is. */
  forget(why: string): void {
    this.memory.provision = {};
    this.#introduced = false;
    this.#mqtt?.drop('released');
    this.events.emit('forgot', { why });
  }

  /** Power off: the connection ends without DISCONNECT. */
  drop(): void {
    this.#mqtt?.drop('stopped');
  }

  /** At the first connect of a boot the Device item goes up twice, with consecutive `seq`. */
  #introduce(): void {
    if (this.#introduced) {
      this.resend();
      return;
    }
    this.#introduced = true;
    const { product, name, description, model, test } = this.#options.device;
    const item = {
      _type: 'Device',
      sk: `d#${this.id}`,
      id: this.id,
      accountId: this.memory.provision.accountId,
      ...{ product, name, description, model, test },
      updated: isoTime(this.clock),
    };
    const before = [...this.memory.pending.values()].filter((change) => change.item.sk !== item.sk);
    this.#change('upsert', item);
    this.#change('upsert', item);
    if (before.length > 0) this.#send(before);
  }

  #change(cmd: string, item: OldItem): number {
    this.memory.items.set(item.sk, item);
    this.memory.pending.set(item.sk, { cmd, item });
    return this.#send([{ cmd, item }]);
  }

  #send(changes: { cmd: string; item: OldItem }[]): number {
    this.#seq += 1;
    void this.#mqtt?.publish(this.#ingest('db/syncToDynamo'), syncUpBody(this.#seq, changes));
    this.#cancelResend();
    this.#cancelResend = this.clock.after(RESEND_AFTER, () => this.resend());
    return this.#seq;
  }

  #onMessage(topic: string, payload: string): boolean {
    this.events.emit('message', { topic, payload });
    const [, , , area, verb = ''] = topic.split('/');
    if (area === 'sync') this.#onSync(verb, JSON.parse(payload));
    else if (area === 'provision' && verb === 'release') return this.#onRelease(Number(payload));
    return true;
  }

  #onSync(verb: string, body: Record<string, unknown>): void {
    if (verb === 'SYNC') {
      const { seq, keys } = body as { seq: number; keys: string[] };
      for (const key of keys) this.memory.pending.delete(key);
      this.events.emit('synced', { seq, keys });
    } else if (verb === 'SYNCDOWN') {
      this.memory.lastSync = Date.parse(String(body.updated));
      this.events.emit('ready', { updated: String(body.updated) });
    } else this.#onItem(verb, body as OldItem);
  }

  #onItem(verb: string, received: OldItem): void {
    const { pk: _dropped, ...rest } = received;
    const item = { ...rest, updated: isoTime(this.clock) } as OldItem;
    if (verb === 'REMOVE') this.memory.items.delete(item.sk);
    else this.memory.items.set(item.sk, item);
    this.events.emit('item', { verb, item });
    if (item._type === 'Command' && verb !== 'REMOVE') this.events.emit('command', item);
  }

  /** Never acknowledged: the agent forgets, and the cloud must end the session with the release. */
  #onRelease(at: number): boolean {
    if (this.clock.now() - at <= 10_000) {
      this.events.emit('released', { at });
      this.forget('released');
    }
    return false;
  }

  #onClose(reason: CloseReason, error: unknown): void {
    this.#mqtt = undefined;
    this.#cancelResend();
    if (reason === 'broke') this.events.emit('broke', { error });
    this.events.emit('disconnected', { reason, error });
  }

  #ingest(path: string): string {
    return `$aws/rules/IotoDevice/ioto/service/${this.id}/${path}`;
  }

  #post(url: string, bearer: string | undefined, body: string, signal?: AbortSignal): Promise<HttpAnswer> {
    const { authority } = this.#options;
    return callHttp({ url, bearer: bearer ?? '', body, authority }, this.clock, signal);
  }
}

function read200(answer: HttpAnswer, call: string): OldProvision {
  if (answer.status !== 200) {
    throw new CodedError('OLD_AGENT_CALL', `${call} answered ${answer.status}`, { status: answer.status });
  }
  return JSON.parse(answer.body) as OldProvision;
}
