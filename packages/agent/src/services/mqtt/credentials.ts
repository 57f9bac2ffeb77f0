import { CodedError } from '@ioto/runtime';
import type { AgentParts } from '../../agent-parts.ts';
import { expandPath } from '../../config-loading/directories.ts';
import { readPem } from '../../config-loading/needed.ts';
import type { Credentials } from './service.ts';

/**
 * What the device connects with, as provision.json5 and the settings say.
 *
 * @throws CERTIFICATE_MISSING when the PEMs that provision.json5 names are gone or of no use; the device is then provisioned again.
 */
export async function readCredentials(
  { provisionFile, settings, directories }: Pick<AgentParts, 'provisionFile' | 'settings' | 'directories'>,
  id: string,
): Promise<Credentials> {
  const { record } = provisionFile;
  const pems = await provisionFile.readPems();
  if (!pems) {
    await provisionFile.loseCertificate();
    throw new CodedError(
      'CERTIFICATE_MISSING',
      'the certificate that provision.json5 names is gone, or not of its key',
    );
  }
  const { authority, endpoint, port, alpn } = settings.mqtt;
  return {
    id,
    accountId: record.accountId ?? '',
    endpoint: endpoint ?? record.endpoint ?? '',
    port: port ?? record.port ?? 443,
    alpn,
    certificate: pems.certificate,
    key: pems.key,
    ca: authority
      ? await readPem(expandPath(authority, directories), 'mqtt.authority')
      : trustedCa(record, pems.ca),
  };
}

/** An authority that came over an unprotected way is nobody's word. */
function trustedCa({ api = '' }: { readonly api?: string }, ca: string | undefined): string | undefined {
  return api.startsWith('https://') ? ca : undefined;
}
