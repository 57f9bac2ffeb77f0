import type { Clock } from '@ioto/runtime';
import type { DeviceClientRights } from '../ports/device-endpoint.ts';
import type { AccountPolicies } from './account-policies.ts';
import { DeviceRights, type RightsSubject } from './device-rights.ts';

export interface RightsOfDevicesOptions {
  policies: Pick<AccountPolicies, 'know' | 'use' | 'leave'>;
  /** Of this cloud, as policies name it. */
  region: () => string;
  clock: Clock;
}

/** Makes the rights of devices that come. */
export class RightsOfDevices {
  readonly #options: RightsOfDevicesOptions;

  constructor(options: RightsOfDevicesOptions) {
    this.#options = options;
  }

  /** They follow the policies of the account for as long as it is in use, and for an hour. */
  async of(subject: RightsSubject): Promise<DeviceClientRights> {
    const { policies, region, clock } = this.#options;
    const book = await policies.know(subject.accountId);
    return new DeviceRights({ subject, region: region(), book, now: () => clock.now() });
  }

  use(accountId: string): void {
    this.#options.policies.use(accountId);
  }

  leave(accountId: string): void {
    this.#options.policies.leave(accountId);
  }
}
