import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCsr } from './csr.ts';

describe('a certificate request', () => {
  it('names the device, holds its public key and is signed by it, as a library reads it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const request = new Pkcs10CertificateRequest(makeCsr('JT08FFQXWQ', privateKey));
    expect(request.subject).toBe('CN=JT08FFQXWQ');
    expect(await request.verify(webcrypto)).toBe(true);
    const held = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    expect(held.equals(publicKey)).toBe(true);
  });

  it('is well formed for names of every length', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Z]{1,200}$/), (id) => {
        expect(new Pkcs10CertificateRequest(makeCsr(id, privateKey)).subject).toBe(`CN=${id}`);
      }),
      { numRuns: 50 },
    );
  });
});
