import 'reflect-metadata';
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import { newClaimId } from '@ioto/protocol';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** What a simulated device has before it first meets the cloud. */
export interface FleetIdentity {
  /** Claim ID. */
  id: string;
  privateKey: KeyObject;
  /** PKCS#8 PEM of `privateKey`, as a TLS client wants it. */
  keyPem: string;
  /** SPKI PEM. */
  publicKey: string;
  /** PKCS#10 PEM. */
  csr: string;
}

/** Makes `count` identities with their signing requests, so that a measurement need not. */
export async function makeFleetIdentities(count: number): Promise<FleetIdentity[]> {
  const identities: FleetIdentity[] = [];
  for (let index = 0; index < count; index += 1) identities.push(await makeIdentity());
  return identities;
}

async function makeIdentity(): Promise<FleetIdentity> {
  const id = newClaimId();
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: `CN=${id}`, keys, signingAlgorithm: ALGORITHM },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return {
    id,
    privateKey,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: `${x509.PemConverter.encode(spki, 'PUBLIC KEY')}\n`,
    csr: request.toString('pem'),
  };
}
