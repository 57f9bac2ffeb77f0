import { deviceTopic, parseServiceTopic } from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import type { MetricIntake } from '../device-metrics/metric-intake.ts';
import { parseJsonBody } from '../http/json-body.ts';
import type { Complaints } from '../limits/complaints.ts';
import type { DeviceEndpoint, DeviceMessage, DevicePrincipal } from '../ports/device-endpoint.ts';
import type { SyncDown } from './down/sync-down.ts';
import type { SyncIdentity } from './items/wire-item.ts';
import type { SyncUp } from './up/sync-up.ts';

/** Answers one kind of request with bare text; undefined for no answer. Rejects only for faults of the cloud. */
export type RequestHandler = (identity: SyncIdentity, body: object) => Promise<string | undefined>;

export interface ServiceMessagesOptions {
  endpoint: Pick<DeviceEndpoint, 'deliver'>;
  syncUp: SyncUp;
  syncDown: SyncDown;
  metrics: Pick<MetricIntake, 'receive'>;
  /** By the name of the request, such as `store/get`. */
  requests: ReadonlyMap<string, RequestHandler>;
  /** The same of those that take long, or wait for the device: its next messages do not wait for them. */
  longRequests: ReadonlyMap<string, RequestHandler>;
  complaints: Complaints;
  logger: Logger;
}

/** Who published: from the certificate. */
type Sender = Pick<DevicePrincipal, 'accountId' | 'deviceId' | 'dialect'>;

/** Reads what devices publish and hands it to whom it concerns. What nobody understands is dropped, and the log says so. */
export class ServiceMessages {
  readonly #options: ServiceMessagesOptions;

  constructor(options: ServiceMessagesOptions) {
    this.#options = options;
  }

  /** Resolves when what the message asked for is durable. Rejects only for faults of the cloud: the device then sends again. */
  async receive({ accountId, deviceId, dialect }: Sender, { topic, payload }: DeviceMessage): Promise<void> {
    const identity: SyncIdentity = Object.freeze({ accountId, deviceId });
    const { syncUp, syncDown, metrics, logger } = this.#options;
    const parsed = parseServiceTopic(topic);
    if (!parsed || parsed.id !== identity.deviceId) {
      logger.debug({ deviceId: identity.deviceId, topic: topic.slice(0, 256) }, 'message to no service');
      return;
    }
    const { message } = parsed;
    if (message.kind === 'ping') return;
    const read = () => this.#parse(identity, payload);
    if (message.kind === 'syncUp') return syncUp.receive(identity, read, dialect === 'current');
    const body = read();
    if (body === undefined) return;
    if (message.kind === 'syncDown') syncDown.receive(identity, body);
    else if (message.kind === 'storeSet') await syncUp.storeSet(identity, body);
    else if (message.kind === 'metricSet') await metrics.receive(identity, body);
    else await this.#answer(identity, message, body);
  }

  async #answer(identity: SyncIdentity, { request, n }: { request: string; n: string }, body: object) {
    const { endpoint, requests, longRequests, logger } = this.#options;
    const { deviceId } = identity;
    const long = longRequests.get(request);
    if (long) {
      void this.#answerLater(identity, { request, n }, long(identity, body));
      return;
    }
    const handler = requests.get(request);
    if (!handler) {
      logger.debug({ deviceId, request: request.slice(0, 256) }, 'request that nobody serves');
      return;
    }
    const answer = await handler(identity, body);
    if (answer !== undefined)
      void endpoint.deliver(deviceId, deviceTopic.answer(deviceId, request, n), answer);
  }

  /** One that fails is not answered: the device asks again. */
  async #answerLater(
    { deviceId }: SyncIdentity,
    { request, n }: { request: string; n: string },
    answering: Promise<string | undefined>,
  ): Promise<void> {
    const { endpoint, logger } = this.#options;
    try {
      const answer = await answering;
      if (answer !== undefined)
        await endpoint.deliver(deviceId, deviceTopic.answer(deviceId, request, n), answer);
    } catch (error) {
      logger.error({ deviceId, request, error: messageOf(error) }, 'cannot answer a device');
    }
  }

  #parse({ deviceId }: SyncIdentity, payload: Buffer): object | undefined {
    let problem = 'it is no object';
    try {
      const body = parseJsonBody(payload, { lenient: true });
      if (typeof body === 'object' && body !== null) return body;
    } catch (error) {
      problem = messageOf(error);
    }
    // Sending it again would not make it better: it is acknowledged and dropped.
    this.#options.complaints.of(deviceId, 'message of a device dropped', { bytes: payload.length, problem });
    return undefined;
  }
}
