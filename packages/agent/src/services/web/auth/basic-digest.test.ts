import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { cheapPasswords } from '../passwords/cheap-passwords.fixture.ts';
import { WebWorld } from '../web-world.fixture.ts';
import { credentialsOf } from './basic.ts';
import { Browser } from './browser.fixture.ts';
import { type DigestAlgorithm, responseTo } from './digest.ts';
import { parseDigest } from './digest-header.ts';
import { Nonces } from './nonces.ts';

const PASSWORD = 'correct horse';
const REALM = 'Test Realm';
const hash = await cheapPasswords().hash(PASSWORD);
const files = { 'index.html': 'home', 'a.html': 'a' };
const ha1 = (algorithm: 'md5' | 'sha256', username: string) =>
  createHash(algorithm).update(`${username}:${REALM}:${PASSWORD}`).digest('hex');
const users = {
  ann: { password: hash, role: 'user' },
  bob: { password: `SHA256:${ha1('sha256', 'bob')}`, role: 'user' },
  cat: { password: `MD5:${ha1('md5', 'cat')}`, role: 'user' },
  dan: { password: `SHA256:${ha1('sha256', 'dan')}`, role: 'public' },
};
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

interface Asked {
  auth?: Record<string, unknown>;
  route?: Record<string, unknown>;
  clock?: VirtualClock;
}

function site({ auth = {}, route = {}, clock }: Asked): Promise<WebWorld> {
  const routes = [{ match: '/a.html', role: 'user', ...route }];
  return WebWorld.create({
    files,
    web: { routes, auth: { users, realm: REALM, ...auth } },
    ...(clock && { clock }),
  });
}

describe('basic authentication', () => {
  const overHttp = { auth: { requireTlsForBasic: false }, route: { authType: 'basic' } };

  it('lets in who says name and password, and asks whoever does not', async () => {
    await using web = await site(overHttp);
    const browser = new Browser(web);
    expect(await browser.get('/a.html')).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="Test Realm", charset="UTF-8"' },
    });
    expect(await browser.get('/a.html', basic(`ann:${PASSWORD}`))).toMatchObject({ status: 200, text: 'a' });
    expect((await browser.get('/a.html', basic('ann:wrong'))).status).toBe(401);
    expect((await browser.get('/a.html', basic(`dan:${PASSWORD}`))).status).toBe(403);
    expect(browser.cookies.size).toBe(0);
  });

  it('hashes once for a page that asks for much at once', async () => {
    await using web = await site(overHttp);
    const before = web.hashes;
    const browser = new Browser(web);
    const asked = Array.from({ length: 9 }, () => browser.get('/a.html', basic(`ann:${PASSWORD}`)));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(9).fill(200));
    expect(web.hashes - before).toBe(1);
    const wrong = Array.from({ length: 2 }, () => browser.get('/a.html', basic('ann:wrong')));
    for (const { status, headers } of await Promise.all(wrong)) {
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic/)]);
    }
  });

  it('takes no passwords that anybody on the way can read', async () => {
    await using web = await site({ route: { authType: 'basic' } });
    const { status, headers } = await new Browser(web).get('/a.html', basic(`ann:${PASSWORD}`));
    expect([status, headers['www-authenticate']]).toEqual([403, undefined]);
  });

  it('needs no token, since no page of another site can have it sent', async () => {
    await using web = await site({
      ...overHttp,
      route: { match: '/lamp', handler: 'action', authType: 'basic' },
    });
    web.actions.add({ path: '/lamp', options: {}, handler: () => 'on' });
    const headers = basic(`ann:${PASSWORD}`);
    expect((await new Browser(web).post('/lamp', { json: {}, headers })).status).toBe(200);
  });

  it('hashes a password that was right once a minute, and anew when the user has changed', async () => {
    const clock = new VirtualClock();
    await using web = await site({ ...overHttp, clock });
    const browser = new Browser(web);
    const ask = async () => (await browser.get('/a.html', basic(`ann:${PASSWORD}`))).status;
    const before = web.hashes;
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 200]);
    expect(web.hashes - before).toBe(1);
    await clock.advance(60_000);
    expect(await ask()).toBe(200);
    expect(web.hashes - before).toBe(2);
    await web.users.put({ username: 'ann', password: 'another horse' });
    expect(await ask()).toBe(401);
  });

  it.each([
    ['Basic', undefined],
    ['Basic ====', undefined],
    ['Bearer abc', undefined],
    [`Basic ${Buffer.from('no colon').toString('base64')}`, undefined],
    [`Basic ${Buffer.from(':password').toString('base64')}`, undefined],
    [`Basic ${Buffer.from('a\0:b').toString('base64')}`, undefined],
    [`Basic ${Buffer.from([0xff, 0x3a, 0x41]).toString('base64')}`, undefined],
    [`Basic ${Buffer.from(`a:${'b'.repeat(6000)}`).toString('base64')}`, undefined],
    [`basic ${Buffer.from('ä:b:c').toString('base64')}`, { username: 'ä', password: 'b:c' }],
  ])('reads of %j what is there', (header, found) => {
    expect(credentialsOf(header)).toEqual(found);
  });

  it('is not moved by headers that are bombs', async () => {
    await using web = await site(overHttp);
    const browser = new Browser(web);
    for (const authorization of [
      `Basic ${'A'.repeat(8000)}`,
      `Basic ${' '.repeat(8000)}`,
      `Digest ${'a="b", '.repeat(1000)}`,
    ]) {
      expect((await browser.get('/a.html', { authorization })).status).toBe(401);
    }
    expect((await browser.get('/a.html', basic(`ann:${PASSWORD}`))).status).toBe(200);
  });
});

/** What a client answers a challenge with. */
function answerTo(
  challenge: string,
  { username = 'bob', uri = '/a.html', nc = 1, method = 'GET', more = {} as Record<string, string> } = {},
): Record<string, string> {
  const [, nonce = ''] = /nonce="([^"]+)"/.exec(challenge) ?? [];
  const [, algorithm = ''] = /algorithm=([\w-]+)/.exec(challenge) ?? [];
  const parts = { nonce, nc: nc.toString(16).padStart(8, '0'), cnonce: 'abc', uri };
  const secret = ha1(algorithm === 'MD5' ? 'md5' : 'sha256', username);
  const response = responseTo(algorithm as DigestAlgorithm, secret, method, parts);
  const all = { username, realm: REALM, ...parts, qop: 'auth', response, algorithm, ...more };
  const text = Object.entries(all).map(([name, value]) =>
    ['nc', 'qop', 'algorithm'].includes(name) ? `${name}=${value}` : `${name}="${value}"`,
  );
  return { authorization: `Digest ${text.join(', ')}` };
}

describe('digest authentication', () => {
  const digest = { route: { authType: 'digest' } };

  async function challenged(web: WebWorld): Promise<string> {
    const { status, headers } = await new Browser(web).get('/a.html');
    expect(status).toBe(401);
    return String(headers['www-authenticate']);
  }

  it.each<[DigestAlgorithm, string]>([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('answers as the example of RFC 7616 §3.9.1 (%s)', (algorithm, response) => {
    const secret = createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update('Mufasa:http-auth@example.org:Circle of Life')
      .digest('hex');
    const parts = {
      nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
      ...{ nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ', uri: '/dir/index.html' },
    };
    expect(responseTo(algorithm, secret, 'GET', parts)).toBe(response);
  });

  it.each(['SHA-256', 'MD5'])(
    'lets in who knows the password, without its being sent (%s)',
    async (algorithm) => {
      await using web = await site({ route: { authType: 'digest', algorithm } });
      const challenge = await challenged(web);
      expect(challenge).toContain(`realm="Test Realm", qop="auth", algorithm=${algorithm}, nonce="`);
      const username = algorithm === 'MD5' ? 'cat' : 'bob';
      const browser = new Browser(web);
      expect(await browser.get('/a.html', answerTo(challenge, { username }))).toMatchObject({ status: 200 });
      // Whose hash is of the other algorithm, or of no digest at all, cannot be asked this way.
      for (const other of algorithm === 'MD5' ? ['bob', 'ann'] : ['cat', 'ann', 'eve']) {
        expect((await browser.get('/a.html', answerTo(challenge, { username: other, nc: 2 }))).status).toBe(
          401,
        );
      }
      expect((await stat(web.directory.at('config', 'web-secret'))).mode & 0o777).toBe(0o600);
    },
  );

  it('takes an answer once, and none that is old', async () => {
    const clock = new VirtualClock();
    await using web = await site({ ...digest, clock });
    const challenge = await challenged(web);
    const browser = new Browser(web);
    const ask = async (nc: number) => {
      const { status, headers } = await browser.get('/a.html', answerTo(challenge, { nc }));
      return status === 200 ? 'in' : /stale=true/.test(String(headers['www-authenticate'])) ? 'stale' : 'out';
    };
    expect([await ask(1), await ask(3), await ask(2), await ask(2), await ask(40), await ask(4)]).toEqual([
      ...['in', 'in', 'in', 'stale', 'in', 'stale'],
    ]);
    await clock.advance(60_000);
    expect(await ask(41)).toBe('stale');
  });

  it.each<[string, Parameters<typeof answerTo>[1]]>([
    ['another target', { uri: '/' }],
    ['another method', { method: 'POST' }],
    ['another realm', { more: { realm: 'other' } }],
    ['another algorithm', { more: { algorithm: 'MD5' } }],
    ['no algorithm, which is MD5', { more: { algorithm: '' } }],
    ['another quality', { more: { qop: 'auth-int' } }],
    ['a foreign nonce', { more: { nonce: 'abc' } }],
    ['a wrong response', { more: { response: '00' } }],
    ['no count', { more: { nc: '1' } }],
  ])('refuses an answer for %s', async (_what, given) => {
    await using web = await site(digest);
    const challenge = await challenged(web);
    const { status, headers } = await new Browser(web).get('/a.html', answerTo(challenge, given));
    expect([status, /stale/.test(String(headers['www-authenticate']))]).toEqual([401, false]);
  });

  it('keeps the hashes that it needs, when their users sign in otherwise', async () => {
    await using web = await site(digest);
    expect((await new Browser(web).login('bob', PASSWORD)).status).toBe(200);
    const challenge = await challenged(web);
    expect((await new Browser(web).get('/a.html', answerTo(challenge))).status).toBe(200);
  });

  it('remembers so many nonces, and takes what it forgot for old', () => {
    const clock = new VirtualClock();
    const nonces = new Nonces({ secret: 'x'.repeat(16), life: 60_000, most: 2, clock });
    const made = [nonces.make(), nonces.make(), nonces.make()] as const;
    for (const nonce of made) expect(nonces.use(nonce, 1)).toBe(true);
    expect(nonces.check(made[0])).toBe('stale');
    const other = new Nonces({ secret: 'y'.repeat(16), life: 60_000, most: 2, clock });
    expect(other.check(made[2])).toBe('foreign');
    expect(nonces.check(`${made[2]}=`)).toBe('foreign');
  });

  it.each([
    'Digest',
    'Digest username="a"',
    'Digest username="a" realm="b"',
    `Digest username="${'a'.repeat(5000)}"`,
    'Digest username="a", username="b", realm="r", nonce="n", uri="/", response="00", cnonce="c", nc=00000001, qop=auth',
  ])('reads nothing of %.40s', (header) => {
    expect(parseDigest(header)).toBeUndefined();
  });
});
