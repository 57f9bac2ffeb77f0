import type { KeyObject } from 'node:crypto';
import type { Component, Emitter } from '@ioto/runtime';
import { CodedError } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { DeviceApi } from '../../cloud-api/device-api.ts';
import { certificateFacts } from '../../identity/certificate.ts';
import type { ProvisionFile } from '../../identity/provision-file.ts';
import { provision } from './provision.ts';

export interface ProvisionServiceOptions {
  events: Emitter<AgentEvents>;
  api: Pick<DeviceApi, 'post'>;
  id: string;
  privateKey: KeyObject;
  provisionFile: ProvisionFile;
  /** By the cloud's clock. */
  now: () => number;
}

/** Service `provision`: obtains the device's certificate from the cloud that has claimed it. */
export class ProvisionService implements Component {
  readonly name = 'provision';
  readonly #options: ProvisionServiceOptions;

  constructor(options: ProvisionServiceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  /** One call; the answer is durable when this resolves. */
  async call(signal: AbortSignal): Promise<void> {
    const { events, api, id, privateKey, provisionFile, now } = this.#options;
    const { api: base, token, accountId } = provisionFile.record;
    if (base === undefined || token === undefined) {
      throw new CodedError('NOT_CLAIMED', 'a device that is not claimed cannot be provisioned');
    }
    const { answer, pems, certificate } = await provision({
      api,
      id,
      privateKey,
      claim: { api: base, token, accountId },
      signal,
    });
    const obtained = new Date(now()).toISOString();
    await provisionFile.saveProvisioning({ ...answer, obtained }, pems);
    events.emit('device:provisioned', {
      id,
      accountId: answer.accountId ?? '',
      endpoint: answer.endpoint ?? '',
      port: answer.port ?? 0,
      certificate: certificateFacts(certificate),
    });
  }
}
