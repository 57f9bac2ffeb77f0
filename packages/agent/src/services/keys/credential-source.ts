import { CodedError } from '@ioto/runtime';
import type { DeviceApi } from '../../cloud-api/device-api.ts';
import type { ServerTime } from '../../cloud-api/server-time.ts';
import type { AgentSettings } from '../../config.ts';
import type { ProvisionFile } from '../../identity/provision-file.ts';
import type { UrlAnswer, UrlFetch } from '../url/fetch.ts';
import { type Fetched, readCloudAnswer, readProviderAnswer } from './credential-answer.ts';
import { keysError } from './errors.ts';

/** Where credentials come from. */
export interface CredentialSource {
  /**
   * Whose credentials they would be: another owner, or another cloud, is another text.
   *
   * @throws NOT_CLAIMED
   */
  standing(): string;
  /** @throws what the cloud refused with, KEYS_MALFORMED, URL_… errors. */
  fetch(signal: AbortSignal): Promise<Fetched>;
}

export interface SourceOptions {
  id: string;
  api: Pick<DeviceApi, 'post'>;
  fetch: UrlFetch;
  serverTime: ServerTime;
  provisionFile: Pick<ProvisionFile, 'record' | 'readPems'>;
  settings: AgentSettings['keys'];
}

/**
 * AWS's credentials provider where `keys.role` and `keys.endpoint` name one, else the device cloud.
 *
 * @throws CONFIG_INVALID when one of the two is missing.
 */
export function credentialSource(options: SourceOptions): CredentialSource {
  const { role, endpoint } = options.settings;
  if (role === undefined && endpoint === undefined) return cloudSource(options);
  if (role !== undefined && endpoint !== undefined) return providerSource(options, { role, endpoint });
  const missing = role === undefined ? 'keys.role' : 'keys.endpoint';
  throw new CodedError('CONFIG_INVALID', `keys.role and keys.endpoint go together: set ${missing} as well`);
}

/** `POST {api}/tok/device/getCreds` (Ioto contract §6). */
function cloudSource({ api, provisionFile }: SourceOptions): CredentialSource {
  const claim = () => {
    const { api: base, token } = provisionFile.record;
    if (base !== undefined && token !== undefined) return { base, token };
    throw keysError('NOT_CLAIMED', 'a device that is not claimed has no credentials');
  };
  return {
    standing: () => `${claim().base} ${claim().token}`,
    async fetch(signal) {
      const { base, token } = claim();
      const url = `${base.replace(/\/+$/, '')}/tok/device/getCreds`;
      return readCloudAnswer(await api.post({ url, bearer: token, body: {}, signal }));
    },
  };
}

/** `GET /role-aliases/{role}/credentials` with the device certificate, as AWS IoT has it. */
function providerSource(
  { id, fetch, serverTime, provisionFile, settings }: SourceOptions,
  { role, endpoint }: { role: string; endpoint: string },
): CredentialSource {
  const isAws = /\.amazonaws\.com(\.cn)?$/.test(endpoint);
  const { alpn = isAws ? '' : 'x-amzn-http-ca' } = settings;
  const region = () =>
    settings.region ??
    /\.credentials\.iot\.([a-z0-9-]+)\.amazonaws\.com/.exec(endpoint)?.[1] ??
    provisionFile.record.cloudRegion;
  return {
    standing() {
      const { certificate, accountId, token } = provisionFile.record;
      if (certificate !== undefined) return `${certificate} ${accountId} ${token}`;
      throw keysError('NOT_CLAIMED', 'a device without a certificate has no credentials');
    },
    async fetch(signal) {
      const pems = await provisionFile.readPems();
      if (!pems) throw keysError('NOT_CLAIMED', 'a device without a certificate has no credentials');
      const answer = await fetch(`https://${endpoint}/role-aliases/${encodeURIComponent(role)}/credentials`, {
        headers: { 'x-amzn-iot-thingname': id },
        cert: pems.certificate,
        key: pems.key,
        ...(alpn !== '' && { alpn }),
        signal,
      });
      serverTime.observe(answer.headers.date);
      if (answer.status !== 200) throw refusal(answer, endpoint);
      return readProviderAnswer(answer.json(), region());
    },
  };
}

function refusal({ status, headers, text }: UrlAnswer, endpoint: string): CodedError {
  const seconds = Number(headers['retry-after']);
  return new CodedError(`HTTP_${status}`, `${endpoint} refused (${status}): ${text().slice(0, 500)}`, {
    status,
    retryable: status >= 500 || status === 429,
    retryAfter: seconds > 0 ? seconds * 1000 : undefined,
  });
}
