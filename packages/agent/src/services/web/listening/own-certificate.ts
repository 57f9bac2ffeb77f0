import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import { selfSigned } from './self-signed.ts';

const DAY = 86_400_000;
/** Browsers take no longer one. */
const LIFE = 397 * DAY;
/** Clocks of devices begin anywhere before the truth. */
const BEFORE = DAY;

/** A certificate and its key, as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/**
 * The certificate that the device made for itself, kept in `@certs/web.crt` and `web.key`: made when there is none, and anew when
 * two thirds of its life are over, when it is not valid yet, or when the device goes by a name that it does not have. The key
 * is another than the device's identity, and stays, so that who pinned it goes on trusting.
 *
 * @param listens names and addresses that the device is told to listen on
 * @param now milliseconds since 1970
 */
export async function ownCertificate(
  certs: string,
  listens: readonly string[],
  now: number,
): Promise<KeyPair> {
  const [keyFile, file] = [join(certs, 'web.key'), join(certs, 'web.crt')];
  let key = readKey(await readTextIfPresent(keyFile));
  if (!key) {
    key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await writeFileDurably(keyFile, key.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const names = [
    ...new Set([...ownNames(), ...listens.filter((name) => name !== '0.0.0.0' && name !== '::')]),
  ];
  const present = await readTextIfPresent(file);
  const holds = present !== undefined && serves(present, key, names, now);
  const cert = holds ? present : selfSigned({ key, names, from: now - BEFORE, to: now - BEFORE + LIFE });
  if (!holds) await writeFileDurably(file, cert);
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** What the device is called by those around it. */
function ownNames(): string[] {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '');
  const names = host === '' ? [] : host.includes('.') ? [host] : [host, `${host}.local`];
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address);
  return [...names, 'localhost', '127.0.0.1', '::1', ...addresses];
}

function readKey(pem: string | undefined): KeyObject | undefined {
  try {
    const key = pem === undefined ? undefined : createPrivateKey(pem);
    return key?.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    // Whatever it was, another is as good: nobody but the device vouched for it.
    return undefined;
  }
}

function serves(pem: string, key: KeyObject, names: readonly string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    if (now < from || now > from + ((to - from) * 2) / 3 || !certificate.checkPrivateKey(key)) return false;
    return names.every((name) => certificate.checkHost(name) || certificate.checkIP(name));
  } catch {
    return false;
  }
}
