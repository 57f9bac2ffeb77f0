import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
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

  it('is refused, and nothing else happens, whatever bytes a stranger sends', async () => {
    const { der } = await makeRequest();
    const refused = /^CSR_(MALFORMED|KEY_UNSUITABLE|SIGNATURE_INVALID)$/;
    const codeOf = (bytes: Buffer): string => {
      try {
        keyOfRequest(toPem('CERTIFICATE REQUEST', bytes));
        return 'accepted';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(codeOf(Buffer.from(bytes))).toMatch(refused);
      }),
    );
    const edit = fc.record({ at: fc.nat(der.length - 1), flip: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const altered = Buffer.from(der);
        for (const { at, flip } of edits) altered[at] = (altered[at] ?? 0) ^ flip;
        if (!altered.equals(der)) expect(codeOf(altered)).toMatch(refused);
      }),
    );
    for (let length = 0; length < der.length; length += 1) {
      expect(codeOf(der.subarray(0, length))).toBe('CSR_MALFORMED');
    }
    expect(codeOf(Buffer.concat([der, Buffer.alloc(1)]))).toBe('CSR_MALFORMED');
  });
});
