import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedCa } from './embedded-ca.ts';

const DAY = 86_400_000;
let directory: string;
let clock: VirtualClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ioto-ca-'));
  clock = new VirtualClock();
});
afterEach(() => rm(directory, { recursive: true }));

async function started(hosts: string[] = []): Promise<EmbeddedCa> {
  const ca = new EmbeddedCa({ directory, hosts, clock, logger: silentLogger });
  await ca.start();
  return ca;
}

describe('the first start', () => {
  it('makes an authority whose key is private, and a server certificate that it signed', async () => {
    const ca = await started(['cloud.example', '192.0.2.7']);
    expect((await stat(join(directory, 'ca.key'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'server.pem'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'ca.crt'))).mode & 0o777).toBe(0o644);
    const authority = new X509Certificate(ca.authority);
    expect(authority.ca).toBe(true);
    const server = new X509Certificate((await ca.serverIdentity()).certificate);
    expect(server.verify(authority.publicKey)).toBe(true);
    for (const name of ['cloud.example', 'localhost']) expect(server.checkHost(name)).toBe(name);
    for (const address of ['127.0.0.1', '::1', '192.0.2.7']) expect(server.checkIP(address)).toBe(address);
  });
});

describe('a later start', () => {
  it('goes on with the same authority and server certificate', async () => {
    const first = await started();
    const second = await started();
    expect(second.authority).toBe(first.authority);
    expect(await second.serverIdentity()).toEqual(await first.serverIdentity());
  });

  it('renews the server certificate when a name is missing', async () => {
    const first = await started();
    const second = await started(['new.example']);
    const renewed = await second.serverIdentity();
    expect(renewed.certificate).not.toBe((await first.serverIdentity()).certificate);
    expect(new X509Certificate(renewed.certificate).checkHost('new.example')).toBe('new.example');
  });

  it('makes the same authority again after a power cut between its two files', async () => {
    const first = await started();
    const { certificate } = await first.certify('JT08FFQXWQ', await somePublicKey(first));
    await rm(join(directory, 'ca.crt'));
    const second = await started();
    const authority = new X509Certificate(second.authority);
    expect(new X509Certificate(certificate).checkIssued(authority)).toBe(true);
    expect(new X509Certificate(certificate).verify(authority.publicKey)).toBe(true);
  });

  it('refuses to replace an authority whose key is lost, naming the file', async () => {
    await started();
    await rm(join(directory, 'ca.key'));
    await expect(started()).rejects.toMatchObject({
      code: 'CA_KEY_MISSING',
      message: expect.stringContaining('ca.key'),
    });
  });

  it('refuses a certificate that is not of its key', async () => {
    await started();
    const certificate = await readFile(join(directory, 'ca.crt'), 'utf8');
    await rm(join(directory, 'ca.key'));
    await rm(join(directory, 'ca.crt'));
    await started();
    await writeFile(join(directory, 'ca.crt'), certificate);
    await expect(started()).rejects.toMatchObject({ code: 'CA_UNREADABLE' });
  });
});

describe('a running authority', () => {
  it('renews the server certificate in time and tells who listens', async () => {
    const ca = await started();
    const before = await ca.serverIdentity();
    const renewals: string[] = [];
    ca.onRenewal((identity) => renewals.push(identity.certificate));
    clock.jumpTo(clock.now() + 300 * DAY);
    await clock.advance(DAY);
    await expect.poll(() => renewals.length).toBe(1);
    expect(renewals[0]).not.toBe(before.certificate);
    await ca.stop();
    expect(clock.pending).toBe(0);
  });

  it('makes a key for a device that cannot, which fits its certificate', async () => {
    const ca = await started();
    const made = await ca.certifyNewKey('JT08FFQXWQ');
    expect(made.key).toContain('EC PRIVATE KEY');
    const certificate = new X509Certificate(made.certificate);
    expect(certificate.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
    expect(certificate.subject).toBe('CN=JT08FFQXWQ');
    expect(new Date(certificate.validTo).toISOString()).toBe(made.expires);
  });

  it('certifies the local name of a device for its own web server, but none that the cloud goes by', async () => {
    const ca = await started(['JT08FFQXWQ.local']);
    const [some, posing] = await Promise.all(['SOMEDEVICE', 'JT08FFQXWQ'].map((id) => ca.certifyNewKey(id)));
    const [own, none] = [some, posing].map((made) => new X509Certificate(made?.certificate ?? ''));
    expect(own?.subjectAltName).toBe('DNS:somedevice.local');
    expect(own?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
    expect(none?.subjectAltName).toBeUndefined();
    expect(none?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });
});

async function somePublicKey(ca: EmbeddedCa): Promise<string> {
  return (await ca.certifyNewKey('SOMEDEVICE')).publicKey;
}
