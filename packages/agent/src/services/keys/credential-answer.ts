import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { AwsEndpoints, AwsKeys } from '../../service-apis.ts';
import { keysError } from './errors.ts';

const secretText = Type.String({ minLength: 1, maxLength: 8192 });
const Endpoints = Type.Object({ logs: Type.String(), s3: Type.String(), monitoring: Type.String() });

/** Answer of getCreds (Ioto contract §6). */
const CloudAnswer = Type.Object({
  accessKeyId: secretText,
  secretAccessKey: secretText,
  sessionToken: secretText,
  region: Type.String({ minLength: 1, maxLength: 64 }),
  expires: Type.String(),
  endpoints: Type.Optional(Endpoints),
});

/** Answer of AWS IoT's credentials provider; `region` and `endpoints` are ours. */
const ProviderAnswer = Type.Object({
  credentials: Type.Object({
    accessKeyId: secretText,
    secretAccessKey: secretText,
    sessionToken: secretText,
    expiration: Type.String(),
  }),
  region: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  endpoints: Type.Optional(Endpoints),
});

export interface Fetched {
  keys: AwsKeys;
  /** Undefined where the cloud does not say, and is not AWS. */
  endpoints: AwsEndpoints | undefined;
}

/** @throws KEYS_MALFORMED */
export function readCloudAnswer(answer: unknown): Fetched {
  if (!Check(CloudAnswer, answer)) throw malformed("the cloud's answer holds no credentials");
  const { accessKeyId, secretAccessKey, sessionToken, region, expires, endpoints } = answer;
  const keys = { accessKeyId, secretAccessKey, sessionToken, region, expires: timeOf(expires) };
  return { keys, endpoints: endpointsOf(endpoints, region) };
}

/**
 * @param region used where the answer names none, as AWS's does not.
 * @throws KEYS_MALFORMED
 */
export function readProviderAnswer(answer: unknown, region: string | undefined): Fetched {
  if (!Check(ProviderAnswer, answer))
    throw malformed('the answer of the credentials provider holds no credentials');
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = answer.credentials;
  const where = answer.region ?? region;
  if (where === undefined) throw malformed('the region of the credentials is not known: set keys.region');
  const keys = { accessKeyId, secretAccessKey, sessionToken, region: where, expires: timeOf(expiration) };
  return { keys, endpoints: endpointsOf(answer.endpoints, where) };
}

/** What the cloud says, without slashes at the end; AWS's own for a region of AWS where it says nothing. */
function endpointsOf(said: Static<typeof Endpoints> | undefined, region: string): AwsEndpoints | undefined {
  if (!said) return awsEndpoints(region);
  const base = (url: string) => {
    if (URL.canParse(url) && /^https?:\/\//.test(url)) return url.replace(/\/+$/, '');
    throw malformed('an endpoint of the credentials is no URL');
  };
  return { logs: base(said.logs), s3: base(said.s3), monitoring: base(said.monitoring) };
}

function awsEndpoints(region: string): AwsEndpoints | undefined {
  if (!/^[a-z]{2}(-[a-z]+)+-\d+$/.test(region)) return undefined;
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const base = (service: string) => `https://${service}.${region}.${domain}`;
  return { logs: base('logs'), s3: base('s3'), monitoring: base('monitoring') };
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw malformed('the end of the credentials is not an ISO time');
  return time;
}

function malformed(what: string): Error {
  return keysError('KEYS_MALFORMED', what);
}
