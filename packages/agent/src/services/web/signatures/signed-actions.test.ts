import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Browser } from '../auth/browser.fixture.ts';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';

const FILE = `{
  'lamp/set': {
    request: { type: 'object', fields: { level: { type: 'number', required: true } } },
    query: { fields: { room: 'string' } },
    response: { type: 'object', fields: { level: 'number' } },
  },
  'lamp/off': { role: 'user', request: null, query: null },
  'lamp/log': { response: { type: 'object', fields: { level: 'number' } } },
}`;

const routes = [{ match: '/api/', handler: 'action' }];
const json = (body: unknown) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

function lamp(
  signatures: Record<string, unknown>,
  seen: unknown[] = [],
  more: Record<string, unknown> = {},
): Promise<WebWorld> {
  const options: WebWorldOptions = {
    web: { routes, signatures: { enable: true, ...signatures }, ...more },
    before: async (directory) => {
      await mkdir(directory.at('config'), { recursive: true });
      await writeFile(directory.at('config', 'signatures.json5'), FILE);
    },
    prepare: ({ actions }) => {
      actions.add({
        path: '/api/lamp/set',
        options: {},
        handler: async ({ body, query }) => {
          seen.push(await body.json(), query.toString());
          return { level: 5, secret: 'x' };
        },
      });
      actions.add({ path: '/api/lamp/off', options: {}, handler: (web) => web.username });
      actions.add({ path: '/api/lamp/log', options: {}, handler: (web) => web.send('in pieces') });
      actions.add({ path: '/api/lamp/other', options: {}, handler: () => ({ any: 1 }) });
    },
  };
  return WebWorld.create(options);
}

describe('actions with signatures', () => {
  it('see of a request what it names, and send of their answer what it names', async () => {
    const seen: unknown[] = [];
    await using web = await lamp({}, seen);
    const answer = await web.send('POST', '/api/lamp/set?room=hall&x=1', json({ level: 3, colour: 'red' }));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { level: 5 }]);
    expect(seen).toEqual([{ level: 3 }, 'room=hall']);
  });

  it('do not see a request that is otherwise', async () => {
    const seen: unknown[] = [];
    await using web = await lamp({}, seen);
    const { status, text } = await web.send('POST', '/api/lamp/set', json({ level: 'high' }));
    expect([status, text]).toEqual([400, expect.stringContaining('level')]);
    expect(seen).toEqual([]);
  });

  it('ask for the role of their signature as for one of their route', async () => {
    await using web = await lamp({});
    const browser = new Browser(web);
    const off = (headers = {}) => browser.post('/api/lamp/off', { headers });
    expect((await off()).status).toBe(401);
    const { text } = await browser.login('ann', 'correct horse');
    expect((await off()).status).toBe(400);
    const token = { 'x-xsrf-token': JSON.parse(text).xsrf };
    expect(await off(token)).toMatchObject({ status: 200, text: '"ann"' });
    expect((await browser.get('/api/lamp/off', { host: 'evil.example' })).status).toBe(421);
    await web.users.put({ username: 'boss', password: 'a third horse', role: 'super' });
    await web.users.put({ username: 'ann', role: 'public' });
    await browser.login('ann', 'correct horse');
    expect((await browser.get('/api/lamp/off')).status).toBe(403);
  });

  it('ask for it in the way of their route, once', async () => {
    const route = { match: '/api/', handler: 'action', authType: 'basic' };
    const auth = { requireTlsForBasic: false };
    await using web = await lamp({}, [], { routes: [route], auth });
    await web.users.put({ username: 'ann', password: 'correct horse', role: 'user' });
    const asked = await web.get('/api/lamp/off');
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic/)]);
    const authorization = `Basic ${Buffer.from('ann:correct horse').toString('base64')}`;
    expect((await web.get('/api/lamp/off', { authorization })).text).toBe('"ann"');
  });

  it('count for WebSockets, too, where they have one', async () => {
    await using web = await lamp({ strict: true });
    for (const path of ['/api/lamp/off/', '/api/lamp/more/']) {
      web.actions.add({ path, options: {}, socket: () => undefined });
    }
    const upgrade = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const headers = { ...upgrade, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    expect((await web.get('/api/lamp/off/', headers)).status).toBe(401);
    const { status } = await new Promise<{ status?: number }>((resolve, reject) => {
      const asked = request(web.url, { path: '/api/lamp/more/', headers });
      asked.on('upgrade', ({ statusCode }, socket) => {
        socket.destroy();
        resolve({ ...(statusCode !== undefined && { status: statusCode }) });
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(101);
  });

  it('may answer by themselves, and need none unless it is strict', async () => {
    await using web = await lamp({});
    expect(await web.get('/api/lamp/log')).toMatchObject({ status: 200, text: 'in pieces' });
    expect((await web.get('/api/lamp/other')).status).toBe(200);
    await using strict = await lamp({ strict: true });
    expect((await strict.get('/api/lamp/other')).status).toBe(400);
    expect((await strict.send('POST', '/api/lamp/set', json({ level: 3 }))).status).toBe(500);
  });
});
