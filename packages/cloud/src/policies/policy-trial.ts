import { bindPolicies, type PolicyAction } from '@ioto/protocol';
import { type Clock, CodedError } from '@ioto/runtime';
import type { DeviceRecords } from '../devices/device-records.ts';
import { policySubject, targetsOf } from './device-rights.ts';
import { allows, type Ground, groundOf, saidOf } from './ground.ts';
import type { PolicyDesk } from './policy-desk.ts';

export interface Trial {
  accountId: string;
  deviceId: string;
  action: PolicyAction;
  /** Topic, filter or role alias; for iot:Connect it is the device itself. */
  resource?: string;
  sourceIp?: string;
}

/** What would be answered, and why. */
export interface Verdict {
  allowed: boolean;
  /** One sentence. */
  reason: string;
  /** Names of the policies that allow, and that deny. */
  allowedBy: string[];
  deniedBy: string[];
}

export interface PolicyTrialOptions {
  desk: Pick<PolicyDesk, 'attachedTo'>;
  records: Pick<DeviceRecords, 'held'>;
  region: () => string;
  clock: Clock;
}

/** Tries out what a device may do, without the device. */
export class PolicyTrial {
  readonly #options: PolicyTrialOptions;

  constructor(options: PolicyTrialOptions) {
    this.#options = options;
  }

  /** @throws DEVICE_UNKNOWN (404), REQUEST_INVALID (400) */
  async run({ accountId, deviceId, action, resource, sourceIp }: Trial): Promise<Verdict> {
    const { desk, records, region, clock } = this.#options;
    const ownership = await records.held(accountId, deviceId);
    if (!ownership) {
      throw new CodedError('DEVICE_UNKNOWN', `this account has no device ${deviceId}`, { status: 404 });
    }
    const name = action === 'iot:Connect' ? deviceId : resource;
    if (name === undefined) {
      const message = `"resource" is missing: what ${action} acts on`;
      throw new CodedError('REQUEST_INVALID', message, { status: 400 });
    }
    const { product } = ownership;
    const subject = policySubject({ deviceId, accountId, product, sourceIp }, region(), () => clock.now());
    const allowedBy: string[] = [];
    const deniedBy: string[] = [];
    for (const target of targetsOf({ deviceId, product })) {
      for (const [policy, parsed] of await desk.attachedTo(accountId, target)) {
        const said = saidOf(bindPolicies([parsed], subject), action, name);
        const list = said === 'allow' ? allowedBy : said === 'deny' ? deniedBy : undefined;
        if (list && !list.includes(policy)) list.push(policy);
      }
    }
    const said = deniedBy.length > 0 ? 'deny' : allowedBy.length > 0 ? 'allow' : 'none';
    const ground = groundOf({ deviceId, accountId }, action, name, said);
    const reason = reasonOf(ground, allowedBy, deniedBy, accountId);
    return { allowed: allows(ground), reason, allowedBy, deniedBy };
  }
}

/** One sentence for each ground. */
function reasonOf(ground: Ground, allowedBy: string[], deniedBy: string[], accountId: string): string {
  const reasons: Record<Ground, string> = {
    denied: `denied by ${deniedBy.join(', ')}`,
    contract: 'every device may, by default',
    policy: `allowed by ${allowedBy.join(', ')}`,
    'out of bounds': `what policies allow counts below app/${accountId}/ only`,
    nothing: 'nothing allows it',
  };
  return reasons[ground];
}
