import {
  clientTokenOf,
  JobRefusal,
  type JobVerb,
  jobTopic,
  parseJobPath,
  parseJobRequest,
} from '@ioto/protocol';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ThingMessage } from '../reserved-topics/reserved-topics.ts';
import { type DeviceJobs, seconds } from './device-jobs.ts';

export interface JobMessagesOptions {
  deviceJobs: DeviceJobs;
  endpoint: Pick<DeviceEndpoint, 'answer'>;
  clock: Clock;
  logger: Logger;
}

/** AWS IoT Jobs over MQTT: each question of a device is answered to the session that asked. */
export class JobMessages {
  readonly #options: JobMessagesOptions;

  constructor(options: JobMessagesOptions) {
    this.#options = options;
  }

  async receive({ from, thing, path, payload }: ThingMessage): Promise<void> {
    // What its jobs are is between the cloud and a device.
    if (from.kind !== 'device') return;
    const { endpoint, clock } = this.#options;
    const topic = jobTopic.all(thing) + path.join('/');
    const timestamp = seconds(clock.now());
    try {
      const { clientToken, ...request } = parseJobRequest(payload);
      const device = { accountId: from.accountId, deviceId: thing };
      const body = await this.#ask(parseJobPath(path), device, request);
      endpoint.answer(thing, `${topic}/accepted`, JSON.stringify({ ...body, timestamp, clientToken }));
    } catch (error) {
      const { code, message, state } = this.#known(thing, error);
      // The token is told also where the rest of the message is of no use: it is what its sender waits for.
      const body = { code, message, timestamp, clientToken: clientTokenOf(payload), executionState: state };
      endpoint.answer(thing, `${topic}/rejected`, JSON.stringify(body));
    }
  }

  async #ask(
    asked: { verb: JobVerb; jobId?: string } | undefined,
    device: { accountId: string; deviceId: string },
    request: Parameters<DeviceJobs['update']>[2],
  ): Promise<object> {
    const { deviceJobs } = this.#options;
    deviceJobs.admit(device);
    const { verb, jobId = '' } = asked ?? {};
    switch (verb) {
      case 'get':
        return deviceJobs.pending(device);
      case 'start-next':
        return deviceJobs.startNext(device, request);
      case 'describe':
        return deviceJobs.describe(device, jobId, request);
      case 'update':
        return deviceJobs.update(device, jobId, request);
      default:
        throw new JobRefusal('InvalidTopic', 'no operation of AWS IoT Jobs has this topic');
    }
  }

  #known(deviceId: string, error: unknown): Pick<JobRefusal, 'code' | 'message' | 'state'> {
    if (error instanceof JobRefusal) return error;
    this.#options.logger.error({ deviceId, error: messageOf(error) }, 'cannot answer a question about jobs');
    return new JobRefusal('InternalError', 'the request failed here: ask again later');
  }
}
