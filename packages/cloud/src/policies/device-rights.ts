import { type BoundPolicies, bindPolicies, type PolicyAction, type PolicySubject } from '@ioto/protocol';
import type { DeviceClientRights } from '../ports/device-endpoint.ts';
import type { PolicyBook } from './account-policies.ts';
import { allows, groundOf, saidOf } from './ground.ts';
import type { PolicyTarget } from './policy-item.ts';

export interface RightsSubject {
  deviceId: string;
  accountId: string;
  product?: string;
  /** Address that the device comes from. */
  sourceIp?: string;
}

export interface DeviceRightsOptions {
  subject: RightsSubject;
  region: string;
  book: PolicyBook;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * What one device may do: what the contract gives every device, and what the policies of its account allow beside it
 * within the account's own topics, less what they deny. Follows every change of the policies at once.
 */
export class DeviceRights implements DeviceClientRights {
  readonly #device: { deviceId: string; accountId: string };
  readonly #subject: PolicySubject;
  readonly #targets: readonly PolicyTarget[];
  readonly #book: PolicyBook;
  #bound: BoundPolicies | undefined;
  #version = -1;

  constructor({ subject, region, book, now }: DeviceRightsOptions) {
    const { deviceId, accountId, product } = subject;
    this.#device = { deviceId, accountId };
    this.#subject = policySubject(subject, region, now);
    this.#targets = targetsOf({ deviceId, product });
    this.#book = book;
  }

  mayConnect(): boolean {
    return this.#may('iot:Connect', this.#device.deviceId);
  }

  mayPublish(topic: string): boolean {
    return this.#may('iot:Publish', topic);
  }

  maySubscribe(filter: string): boolean {
    return this.#may('iot:Subscribe', filter);
  }

  mayReceive(topic: string): boolean {
    return this.#may('iot:Receive', topic);
  }

  mayRetain(topic: string): boolean {
    return this.#may('iot:RetainPublish', topic);
  }

  mayAssumeRole(alias: string): boolean {
    return this.#may('iot:AssumeRoleWithCertificate', alias);
  }

  #may(action: PolicyAction, name: string): boolean {
    return allows(groundOf(this.#device, action, name, this.#said(action, name)));
  }

  #said(action: PolicyAction, name: string): 'allow' | 'deny' | 'none' {
    if (this.#version !== this.#book.version) {
      const policies = [...this.#book.policiesOf(this.#targets).values()];
      this.#bound = policies.length > 0 ? bindPolicies(policies, this.#subject) : undefined;
      this.#version = this.#book.version;
    }
    return saidOf(this.#bound, action, name);
  }
}

/** What a device is, as far as policies are attached to it. */
export function targetsOf({ deviceId, product }: { deviceId: string; product?: string }): PolicyTarget[] {
  const targets: PolicyTarget[] = [{ account: true }, { device: deviceId }];
  if (product !== undefined) targets.push({ product });
  return targets;
}

/** Client ID, thing name and certificate all name the device: the endpoint has seen to that. */
export function policySubject(
  { deviceId, accountId, product, sourceIp }: RightsSubject,
  region: string,
  now: () => number,
): PolicySubject {
  return {
    clientId: deviceId,
    thingName: deviceId,
    certificateCommonName: deviceId,
    ...{ accountId, region, product, sourceIp, now },
  };
}
