import type { UpdateAnswer, UpdateReport } from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import type { DeviceApi } from '../../cloud-api/device-api.ts';
import type { ProvisionRecord } from '../../identity/provision-file.ts';
import { readOffer } from './offer.ts';

/** The version of Ioto that this agent is like, for policies that ask for it. */
const IOTO_VERSION = '3.0.0';

export interface CheckInOptions {
  api: Pick<DeviceApi, 'post'>;
  provisioned: () => ProvisionRecord;
  /** device.json5. */
  device: Readonly<Record<string, unknown>>;
  id: string;
  /** Of the software that runs. */
  version: string;
}

/** Asks the cloud whether there is other software for this device, and tells how the last update ended (Ioto contract §9). */
export class CheckIn {
  readonly #options: CheckInOptions;

  constructor(options: CheckInOptions) {
    this.#options = options;
  }

  get isPossible(): boolean {
    const { api, token } = this.#options.provisioned();
    return api !== undefined && token !== undefined;
  }

  /** @throws NOT_CLAIMED; UPDATE_OFFER; as `DeviceApi.post` does. */
  async ask(report: UpdateReport | undefined, signal: AbortSignal): Promise<UpdateAnswer | undefined> {
    const { api, provisioned, device, id, version } = this.#options;
    const { api: base, token } = provisioned();
    if (base === undefined || token === undefined) {
      throw new CodedError('NOT_CLAIMED', 'a device that is not claimed gets no updates');
    }
    const answer = await api.post({
      url: `${base}/tok/provision/update`,
      bearer: token,
      body: { ...device, id, version, iotoVersion: IOTO_VERSION, ...(report && { update: report }) },
      signal,
    });
    return readOffer(answer);
  }
}
