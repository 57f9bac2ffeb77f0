import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { toPem } from './certificate.ts';
import { keyOfRequest } from './certificate-request.ts';

async function makeRequest(curve = 'P-256'): Promise<{ pem: string; der: Buffer; publicKey: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=SOMEBODYELSE',
    keys,
    signingAlgorithm: algorithm,
  });
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey));
  return {
    pem: request.toString('pem'),
    der: Buffer.from(request.rawData),
    publicKey: toPem('PUBLIC KEY', spki),
  };
}

describe('a certificate request', () => {
  it('yields its key when it is signed by it', async () => {
    const request = await makeRequest();
    expect(keyOfRequest(request.pem)).toBe(request.publicKey);
    expect(keyOfRequest(request.pem.replace(/\n/g, '\r\n'))).toBe(request.publicKey);
  });

  it('is refused when another key signed it', async () => {
    const [one, other] = [await makeRequest(), await makeRequest()];
    const key = (pem: string) => Buffer.from(pem.replace(/-----.*-----|\n/g, ''), 'base64');
    const forged = Buffer.from(one.der);
    key(other.publicKey).copy(forged, one.der.indexOf(key(one.publicKey)));
    expect(() => keyOfRequest(toPem('CERTIFICATE REQUEST', forged))).toThrow(
      expect.objectContaining({ code: 'CSR_SIGNATURE_INVALID', status: 400 }),
    );
  });

  it('is refused for a key of another kind', async () => {
    const { pem } = await makeRequest('P-384');
    expect(() => keyOfRequest(pem)).toThrow(expect.objectContaining({ code: 'CSR_KEY_UNSUITABLE' }));
  });

  it('is refused when it is cut, altered, too long or something else', async () => {
    const { pem, der } = await makeRequest();
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const others = [
      '',
      pem.slice(0, 200),
      toPem('CERTIFICATE REQUEST', der.subarray(0, 100)),
      toPem('CERTIFICATE REQUEST', Buffer.alloc(300, 0x30)),
      toPem('CERTIFICATE REQUEST', Buffer.alloc(7000, 1)),
      pem + pem,
      rsa.export({ type: 'spki', format: 'pem' }).toString(),
    ];
    for (const other of others) {
      expect(() => keyOfRequest(other)).toThrow(
        expect.objectContaining({ code: 'CSR_MALFORMED', status: 400 }),
      );
    }
  });
});
