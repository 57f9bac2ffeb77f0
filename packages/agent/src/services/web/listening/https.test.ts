import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { TestAuthority, VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { WebWorld } from '../web-world.fixture.ts';
import { ownCertificate } from './own-certificate.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const https = { listen: 'https://127.0.0.1:0' };

/** Asks as a browser that was told to trust this certificate. */
function ask(web: WebWorld, ca: string, path = '/a.txt'): Promise<{ status: number; hsts: unknown }> {
  return new Promise((resolve, reject) => {
    request(new URL(path, web.url), { ca, agent: false }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, hsts: answer.headers['strict-transport-security'] });
    })
      .on('error', reject)
      .end();
  });
}

describe('the web server over TLS', () => {
  it('has a certificate of its own that who trusts it can check, and the same after a restart', async () => {
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: https });
    expect(web.url).toMatch(/^https:/);
    const certificate = await readFile(web.directory.at('certs', 'web.crt'), 'utf8');
    expect(await ask(web, certificate)).toEqual({ status: 200, hsts: undefined });
    const again = await ownCertificate(web.directory.at('certs'), [], Date.now());
    expect(again.cert).toBe(certificate);
  });

  it('has the one that it is given, and says what is wrong with it', async () => {
    await using first = await WebWorld.create({ web: https });
    const [certificate, key] = ['web.crt', 'web.key'].map((name) => first.directory.at('certs', name));
    await using web = await WebWorld.create({
      files: { 'a.txt': 'a' },
      web: { ...https, tls: { certificate, key, minVersion: 'TLS1.3' } },
    });
    expect((await ask(web, await readFile(String(certificate), 'utf8'))).status).toBe(200);
    const other = first.directory.at('other.pem');
    await using second = await WebWorld.create({ web: https });
    await writeFile(other, await readFile(second.directory.at('certs', 'web.key')));
    for (const [tls, problem] of [
      [
        { certificate },
        /web\.tls\.certificate: .* holds no private key .*: name the file of the key as tls\.key/,
      ],
      [{ certificate, key: other }, /web\.tls\.key: .*other\.pem is not the key of/],
      [
        { certificate: '/nowhere.pem', key },
        /web\.tls\.certificate: \/nowhere\.pem cannot be read \(ENOENT\)/,
      ],
      [{ key }, /web\.tls\.certificate: is missing/],
      [{ certificate, key, ciphers: 'NONE-SUCH' }, /web\.tls\.ciphers: names no cipher suite/],
      [{ verify: { client: true } }, /web\.tls\.authority: is missing/],
    ] as const) {
      await expect(WebWorld.create({ web: { ...https, tls } })).rejects.toThrow(problem);
    }
  });

  it('takes cipher suites by the names of OpenSSL and of IANA, and lets in clients with a certificate only', async () => {
    const authority = await TestAuthority.create();
    const mine = await authority.issue({ commonName: 'reader' });
    await using files = await WebWorld.create();
    const ca = files.directory.at('clients.crt');
    await writeFile(ca, authority.certificate);
    const ciphers = [
      ...['TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8'],
      ...['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
      ...['TLS_RSA_WITH_AES_256_CBC_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384'],
    ];
    const tls = { authority: ca, verify: { client: true }, ciphers };
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: { ...https, tls } });
    const trust = await readFile(web.directory.at('certs', 'web.crt'), 'utf8');
    await expect(ask(web, trust)).rejects.toThrow();
    const socket = connect({
      ...{ port: web.port, host: '127.0.0.1', ca: trust, maxVersion: 'TLSv1.2' as const },
      ...{ cert: mine.certificate, key: mine.key },
    });
    const suite = await new Promise((resolve, reject) => {
      socket.on('secureConnect', () => resolve(socket.getCipher().name)).on('error', reject);
    });
    socket.destroy();
    expect(suite).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    expect(web.warnings).toEqual([expect.stringContaining('"ECDH-RSA-AES256-GCM-SHA384"')]);
    expect(web.warnings.join()).not.toMatch(/CBC|AES256-SHA/);
  });
});

describe('the certificate that a device makes for itself', () => {
  it('is made anew at two thirds of its life, for a new name, and where its file is spoilt, with the same key', async () => {
    const clock = new VirtualClock();
    await using web = await WebWorld.create({ web: https, clock });
    const certs = web.directory.at('certs');
    const first = await ownCertificate(certs, ['lamp.example'], NOW);
    const names = new X509Certificate(first.cert);
    expect([names.checkHost('lamp.example'), names.checkHost('localhost')]).toEqual([
      'lamp.example',
      'localhost',
    ]);
    expect((await ownCertificate(certs, ['lamp.example'], NOW + 200 * DAY)).cert).toBe(first.cert);
    const renewed = await ownCertificate(certs, ['lamp.example'], NOW + 300 * DAY);
    const renamed = await ownCertificate(certs, ['other.example'], NOW + 300 * DAY);
    await writeFile(web.directory.at('certs', 'web.crt'), 'rubbish');
    const mended = await ownCertificate(certs, ['other.example'], NOW + 300 * DAY);
    expect(new Set([first, renewed, renamed, mended].map(({ cert }) => cert)).size).toBe(4);
    expect(new Set([first, renewed, renamed, mended].map(({ key }) => key)).size).toBe(1);
  });
});

describe('a device with a certificate of its cloud', () => {
  /** The name of who showed its certificate to a client that asked for one. */
  function shownTo(web: WebWorld, servername: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: web.port, host: '127.0.0.1', servername, rejectUnauthorized: false });
      socket.on('error', reject).on('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.issuer);
        socket.destroy();
      });
    });
  }

  it('shows it to who asks for its name, and its own to all others', async () => {
    const authority = await TestAuthority.create('CN=Cloud');
    const { certificate: cert, key } = await authority.issue({
      commonName: 'JT08FFQXWQ',
      dnsNames: ['jt08ffqxwq.local'],
    });
    await using web = await WebWorld.create({ web: https });
    const own = String(await shownTo(web, 'localhost'));
    expect(await shownTo(web, 'jt08ffqxwq.local')).toBe(own);
    web.provisioned = { cert, key };
    web.events.emit('device:released', { id: 'JT08FFQXWQ', reason: 'unclaimed' });
    expect(await shownTo(web, 'jt08ffqxwq.local')).toBe('CN=Cloud');
    expect(await shownTo(web, 'localhost')).toBe(own);
    expect(own).not.toBe('CN=Cloud');
  });

  it('keeps its own where that of the cloud is spoilt', async () => {
    await using web = await WebWorld.create({ web: https });
    web.provisioned = { cert: 'rubbish', key: 'rubbish' };
    expect(await shownTo(web, 'jt08ffqxwq.local')).toBe(await shownTo(web, 'localhost'));
  });
});

describe('a device that runs for years', () => {
  it('shows a new certificate before the old one ends, without a restart', async () => {
    const clock = new VirtualClock(NOW);
    await using web = await WebWorld.create({ files: { 'a.txt': 'a' }, web: https, clock });
    const file = web.directory.at('certs', 'web.crt');
    const first = await readFile(file, 'utf8');
    await clock.advance(300 * DAY);
    const afterADay = async () => {
      await clock.advance(DAY);
      return readFile(file, 'utf8');
    };
    await expect.poll(afterADay).not.toBe(first);
    const second = await readFile(file, 'utf8');
    await expect.poll(() => shown(web)).toBe(new X509Certificate(second).serialNumber);
  });

  function shown(web: WebWorld): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: web.port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('error', reject).on('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber);
        socket.destroy();
      });
    });
  }
});
