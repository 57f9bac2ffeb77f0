import type { SignedRequest } from '@ioto/protocol';
import { AwsV4Signer } from 'aws4fetch';

export const REGION = 'local';
export const NOW = Date.parse('2026-01-02T03:04:05Z');
export const KEYS = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'a-session-token_of.this/test+=',
};

export interface Signing {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  service?: string;
  region?: string;
  /** Milliseconds since 1970. */
  at?: number;
  /** The signature goes into the query. */
  presigned?: boolean;
  keys?: typeof KEYS;
}

/** `YYYYMMDDTHHMMSSZ` */
export function amzDate(at: number): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
}

/** A request as an independent signer (aws4fetch) signs it and Node would receive it. */
export async function signedRequest(signing: Signing): Promise<SignedRequest> {
  const { url, service = 'iotdevicegateway', region = REGION, at = NOW, presigned = false } = signing;
  const { method = 'GET', headers = {}, body = '', keys = KEYS } = signing;
  const signer = new AwsV4Signer({
    ...keys,
    ...{ url, method, headers, service, region, signQuery: presigned, datetime: amzDate(at) },
    ...(body === '' ? {} : { body }),
  });
  const signed = await signer.sign();
  const { host, pathname, search } = signed.url;
  const rawHeaders = ['Host', host, ...[...signed.headers].flat()];
  return { method, target: pathname + search, rawHeaders, body: Buffer.from(body) };
}
