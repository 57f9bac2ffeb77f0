import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { selfSigned } from './self-signed.ts';

const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const from = Date.UTC(2026, 0, 2, 3, 4, 5);
const made = (names: string[], to = Date.UTC(2027, 1, 3)) =>
  new X509Certificate(selfSigned({ key, names, from, to }));

describe('a certificate that a device makes for itself', () => {
  it('is for a server of its names and addresses, of its own key, and of no authority', () => {
    const names = ['lamp', 'lamp.local', '192.168.1.9', '::1', 'fe80::1:2', '::ffff:10.0.0.1'];
    const certificate = made(names);
    expect(certificate.subject).toBe('CN=lamp');
    expect([
      certificate.ca,
      certificate.checkPrivateKey(key),
      certificate.verify(certificate.publicKey),
    ]).toEqual([false, true, true]);
    for (const name of ['lamp', 'lamp.local']) expect(certificate.checkHost(name)).toBe(name);
    for (const address of names.slice(2)) expect(certificate.checkIP(address), address).toBe(address);
    expect(certificate.checkHost('evil.example')).toBeUndefined();
    // The key usage of the extension; the type leaves it out.
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([
      from,
      Date.UTC(2027, 1, 3),
    ]);
  });

  it('has a number of its own each time, and may end after 2049', () => {
    expect(made(['a']).serialNumber).not.toBe(made(['a']).serialNumber);
    expect(Date.parse(made(['a'], Date.UTC(2050, 0, 1)).validTo)).toBe(Date.UTC(2050, 0, 1));
  });
});
