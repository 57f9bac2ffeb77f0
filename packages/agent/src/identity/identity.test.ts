import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../test/authority.ts';
import { Directory } from '../../test/world.ts';
import { layOutDirectories } from '../config-loading/directories.ts';
import { certificateFacts, readCertificate, requireOwnCertificate } from './certificate.ts';
import { makeCsr } from './csr.ts';
import { openIdentityKey } from './identity-key.ts';
import { ProvisionFile } from './provision-file.ts';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

describe('the identity key', () => {
  it('is made once, private, and stays', async () => {
    await using directory = await Directory.create();
    const first = await openIdentityKey(directory.at('certs'));
    const second = await openIdentityKey(directory.at('certs'));
    expect([first.fresh, second.fresh]).toEqual([true, false]);
    expect(second.publicKeyPem).toBe(first.publicKeyPem);
    expect((await stat(first.path)).mode & 0o777).toBe(0o600);
  });

  it('is never replaced: a file that holds none is an error, which shows nothing of it', async () => {
    await using directory = await Directory.create();
    await mkdir(directory.at('certs'));
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    for (const content of ['', 'rubbish', rsa]) {
      await writeFile(directory.at('certs', 'ioto.key'), content);
      const error = await openIdentityKey(directory.at('certs')).catch((thrown) => thrown);
      expect(error).toMatchObject({
        code: 'IDENTITY_KEY_UNREADABLE',
        message: expect.stringContaining('ioto.key'),
      });
      expect(error.message).not.toContain('rubbish');
      expect(await directory.read('certs', 'ioto.key')).toBe(content);
    }
  });
});

describe('the certificate that is kept', () => {
  it('counts as lost when it does not fit its key, or cannot be read', async () => {
    await using directory = await Directory.create();
    const authority = await Authority.create();
    const [first, second] = [newKey(), newKey()];
    const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const certificate = await authority.signCsr(makeCsr('JT08FFQXWQ', first));
    const file = new ProvisionFile({
      directories: layOutDirectories({ state: directory.at() }, {}),
      record: {},
      checkpoint: () => undefined,
    });
    await file.saveProvisioning({ endpoint: 'cloud' }, { certificate, key: pem(first) });
    expect(await file.readPems()).toMatchObject({ certificate, key: pem(first) });
    await writeFile(directory.at('certs', 'cloud.key'), pem(second));
    expect(await file.readPems()).toBeUndefined();
    await writeFile(directory.at('certs', 'cloud.key'), pem(first));
    await writeFile(directory.at('certs', 'ioto.crt'), certificate.slice(0, 100));
    expect(await file.readPems()).toBeUndefined();
  });
});

describe('a certificate that came', () => {
  it('must be of this device and of its own key', async () => {
    const authority = await Authority.create();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const certificate = readCertificate(await authority.signCsr(makeCsr('JT08FFQXWQ', privateKey)));
    requireOwnCertificate(certificate, 'JT08FFQXWQ', privateKey);
    expect(() => requireOwnCertificate(certificate, 'JT08FFQXWR', privateKey)).toThrow('not for JT08FFQXWR');
    expect(() => requireOwnCertificate(certificate, 'JT08FFQXWQ', other)).toThrow(
      'does not belong to the key',
    );
    expect(() => readCertificate('nonsense')).toThrow('not a PEM certificate');
    expect(certificateFacts(certificate)).toMatchObject({
      subject: 'CN=JT08FFQXWQ',
      issuer: 'CN=Test authority',
    });
  });
});
