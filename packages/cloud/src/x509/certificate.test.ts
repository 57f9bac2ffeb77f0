import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { addressBytes, publicKeyDer, signCertificate } from './certificate.ts';

const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = {
  subject: 'Test CA',
  publicKey: publicKeyDer(authority.publicKey),
  key: authority.privateKey,
};
const publicKey = publicKeyDer(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const notBefore = Date.UTC(2026, 0, 1);
const notAfter = Date.UTC(2028, 0, 1);

describe('a certificate', () => {
  it('for a device names it, is good for client authentication only and points to its authority', () => {
    const { pem, serial } = signCertificate(
      { subject: 'JT08FFQXWQ', publicKey, notBefore, notAfter },
      { use: 'device' },
      signer,
    );
    const node = new X509Certificate(pem);
    expect(node.subject).toBe('CN=JT08FFQXWQ');
    expect(node.issuer).toBe('CN=Test CA');
    expect(node.serialNumber.toLowerCase()).toBe(serial);
    expect(node.ca).toBe(false);
    expect(node.verify(authority.publicKey)).toBe(true);
    expect(new Date(node.validTo).getTime()).toBe(notAfter);

    const read = new x509.X509Certificate(pem);
    const usage = read.getExtension(x509.KeyUsagesExtension);
    expect([usage?.usages, usage?.critical]).toEqual([x509.KeyUsageFlags.digitalSignature, true]);
    expect(read.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.clientAuth,
    ]);
    expect(read.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
    const keyIdentifier = read.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    expect(keyIdentifier).toMatch(/^[0-9a-f]{40}$/);
    expect(read.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId).not.toBe(keyIdentifier);
  });

  it('of an authority may sign certificates of ends and nothing else', () => {
    const facts = {
      subject: 'Test CA',
      publicKey: signer.publicKey,
      notBefore,
      notAfter: Date.UTC(2056, 5, 1),
    };
    const read = new x509.X509Certificate(signCertificate(facts, { use: 'authority' }, signer).pem);
    const constraints = read.getExtension(x509.BasicConstraintsExtension);
    expect([constraints?.ca, constraints?.pathLength, constraints?.critical]).toEqual([true, 0, true]);
    expect(read.getExtension(x509.KeyUsagesExtension)?.usages).toBe(
      x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
    );
    expect(read.notAfter.getTime()).toBe(Date.UTC(2056, 5, 1));
  });

  it('of a server carries names and addresses', () => {
    const names = ['cloud.example', 'localhost', '127.0.0.1', '::1'];
    const { pem } = signCertificate(
      { subject: 'cloud.example', publicKey, notBefore, notAfter },
      { use: 'server', names },
      signer,
    );
    const node = new X509Certificate(pem);
    expect(node.subjectAltName).toBe(
      'DNS:cloud.example, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(node.checkHost('other.example')).toBeUndefined();
  });

  it('never has the serial number of another', () => {
    const facts = { subject: 'A', publicKey, notBefore, notAfter };
    const serials = Array.from(
      { length: 50 },
      () => signCertificate(facts, { use: 'device' }, signer).serial,
    );
    expect(new Set(serials).size).toBe(50);
    expect(serials.every((serial) => /^[4-7][0-9a-f]{31}$/.test(serial))).toBe(true);
  });
});

describe('the bytes of an address', () => {
  it('are found for every way to write it', () => {
    const hex = (host: string) => addressBytes(host)?.toString('hex');
    expect(hex('10.0.0.255')).toBe('0a0000ff');
    expect(hex('::1')).toBe('00000000000000000000000000000001');
    expect(hex('2001:db8::1:2')).toBe('20010db8000000000000000000010002');
    expect(hex('::ffff:10.0.0.1')).toBe('00000000000000000000ffff0a000001');
    expect(hex('fe80:1:2:3:4:5:6:7')).toBe('fe800001000200030004000500060007');
    expect(hex('cloud.example')).toBeUndefined();
  });
});
