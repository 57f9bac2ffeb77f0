import { createHmac } from 'node:crypto';
import { sha256 } from './canonical-request.ts';

/** What a signing key is made for: the credential scope of a signature. */
export interface SigningScope {
  /** `YYYYMMDD` */
  day: string;
  region: string;
  service: string;
}

/** `DAY/REGION/SERVICE/aws4_request` */
export function scopeOf({ day, region, service }: SigningScope): string {
  return `${day}/${region}/${service}/aws4_request`;
}

/** The key that requests of one day are signed with (AWS Signature Version 4, "signing key"). As secret as what it is made of. */
export function signingKey(secret: string, { day, region, service }: SigningScope): Buffer {
  return [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`) as Buffer;
}

/** The signature of a canonical request; `date` as `YYYYMMDDTHHMMSSZ`. */
export function signatureOver(
  canonical: string,
  { date, ...scope }: SigningScope & { date: string },
  key: Buffer,
): Buffer {
  return hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scopeOf(scope)}\n${sha256(canonical)}`);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
