import { RegisterAnswer } from '@ioto/protocol';
import { CodedError } from '@ioto/runtime';
import { Check } from 'typebox/value';
import type { DeviceApi } from '../../cloud-api/device-api.ts';
import type { AgentSettings } from '../../config.ts';

export interface RegisterOptions {
  api: Pick<DeviceApi, 'post'>;
  /** Base of the builder's API. */
  builder: string;
  id: string;
  device: AgentSettings['device'];
  /** SPKI PEM of the identity key. */
  publicKeyPem: string;
  /** ISO time. */
  created: () => string;
}

export interface RegisterCall {
  /** Milliseconds that the builder may hold the call until the device is claimed; 0 asks for an answer at once. */
  wait: number;
  /** True until a register call was answered: the key goes along, to be pinned. */
  first: boolean;
  signal?: AbortSignal;
}

/** How long an answer to a long poll may be late, in milliseconds. */
const GRACE = 15_000;

/**
 * One register call (Ioto contract §4).
 *
 * @throws what the builder refused with; ANSWER_MALFORMED for an answer that is none, or is for another device.
 */
export async function register(options: RegisterOptions, call: RegisterCall): Promise<RegisterAnswer> {
  const { api, builder, id, device, publicKeyPem, created } = options;
  const { claim: _older, ...properties } = device;
  const answer = await api.post({
    url: `${builder.replace(/\/+$/, '')}/device/register`,
    bearer: device.product ?? '',
    body: {
      ...properties,
      id,
      created: created(),
      ...(call.wait > 0 ? { wait: Math.round(call.wait / 1000) } : {}),
      ...(call.first ? { publicKey: publicKeyPem } : {}),
    },
    timeout: call.wait > 0 ? call.wait + GRACE : undefined,
    signal: call.signal,
  });
  if (!Check(RegisterAnswer, answer)) throw malformed('is no register answer');
  if (answer.id !== undefined && answer.id !== id) throw malformed('is for another device');
  if (answer.api !== undefined && !/^https?:\/\//.test(answer.api))
    throw malformed('names a cloud without a URL');
  return answer;
}

/** True for an answer that says which cloud and account have the device. */
export function isClaimed(
  answer: RegisterAnswer,
): answer is RegisterAnswer & { api: string; token: string; accountId: string } {
  return answer.api !== undefined && answer.token !== undefined && answer.accountId !== undefined;
}

function malformed(what: string): CodedError {
  return new CodedError('ANSWER_MALFORMED', `the builder's answer ${what}`);
}
