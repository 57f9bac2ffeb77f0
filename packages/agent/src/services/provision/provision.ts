import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { CodedError } from '@ioto/runtime';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { DeviceApi } from '../../cloud-api/device-api.ts';
import { readCertificate, requireOwnCertificate } from '../../identity/certificate.ts';
import { makeCsr } from '../../identity/csr.ts';
import type { ProvisionedPems, ProvisionRecord } from '../../identity/provision-file.ts';

/** What the agent needs of a provision answer; clouds of others leave out what is ours (Ioto contract §6). */
const Answer = Type.Object({
  id: Type.String(),
  accountId: Type.String(),
  certificate: Type.String({ maxLength: 65_536 }),
  key: Type.Optional(Type.String({ maxLength: 65_536 })),
  endpoint: Type.String({ minLength: 1, maxLength: 255 }),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  cloudType: Type.Optional(Type.String()),
  cloudName: Type.Optional(Type.String()),
  cloudRegion: Type.Optional(Type.String()),
  ca: Type.Optional(Type.String({ maxLength: 65_536 })),
  expires: Type.Optional(Type.String()),
  sync: Type.Optional(Type.Unknown()),
});

export interface ProvisionOptions {
  api: Pick<DeviceApi, 'post'>;
  id: string;
  privateKey: KeyObject;
  /** Answer of the register call that named the cloud. */
  claim: { api: string; token: string; accountId?: string };
  signal?: AbortSignal;
}

export interface Provisioned {
  answer: ProvisionRecord;
  pems: ProvisionedPems;
  certificate: X509Certificate;
}

/** AWS IoT's port for MQTT with client certificates under ALPN. */
const DEFAULT_PORT = 443;

/**
 * One provision call: the device's own key, certified by the cloud. A call whose answer was lost is simply made again;
 * the same key gets the same certificate.
 *
 * @throws what the cloud refused with; ANSWER_MALFORMED, CERTIFICATE_FOREIGN.
 */
export async function provision(options: ProvisionOptions): Promise<Provisioned> {
  const { api, id, privateKey, claim, signal } = options;
  const body = await api.post({
    url: `${claim.api.replace(/\/+$/, '')}/tok/device/provision`,
    bearer: claim.token,
    body: { id, csr: makeCsr(id, privateKey) },
    signal,
  });
  if (!Check(Answer, body)) throw malformed('is no provision answer');
  if (body.id !== id) throw malformed('is for another device');
  const certificate = readCertificate(body.certificate);
  requireOwnCertificate(certificate, id, body.key === undefined ? privateKey : readKey(body.key));
  return { ...splitAnswer(body), certificate };
}

function splitAnswer({ certificate, key, ca, port = DEFAULT_PORT, sync, ...answer }: Static<typeof Answer>) {
  return {
    answer: { ...answer, port, ...(sync === 1 && { sync }) },
    pems: { certificate, key, ca },
  };
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw malformed('holds a key that cannot be read');
  }
}

function malformed(what: string): CodedError {
  return new CodedError('ANSWER_MALFORMED', `the cloud's provision answer ${what}`);
}
