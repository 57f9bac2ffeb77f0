import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { WebWorld, type WebWorldOptions } from '../web-world.fixture.ts';

const FILE = `{
  'lamp/set': {
    request: { type: 'object', fields: { level: { type: 'number', required: true } } },
    query: { fields: { room: 'string' } },
    response: { type: 'object', fields: { level: 'number' } },
  },
  'lamp/log': { response: { type: 'object', fields: { level: 'number' } } },
}`;

const routes = [{ match: '/api/', handler: 'action' }];
const json = (body: unknown) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

function lamp(signatures: Record<string, unknown>, seen: unknown[] = []): Promise<WebWorld> {
  const options: WebWorldOptions = {
    web: { routes, signatures: { enable: true, ...signatures } },
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

  it('may answer by themselves, and need none unless it is strict', async () => {
    await using web = await lamp({});
    expect(await web.get('/api/lamp/log')).toMatchObject({ status: 200, text: 'in pieces' });
    expect((await web.get('/api/lamp/other')).status).toBe(200);
    await using strict = await lamp({ strict: true });
    expect((await strict.get('/api/lamp/other')).status).toBe(400);
    expect((await strict.send('POST', '/api/lamp/set', json({ level: 3 }))).status).toBe(500);
  });
});
