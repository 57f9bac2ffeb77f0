import { writeFile } from 'node:fs/promises';
import type { Logger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../../../test/world.ts';
import type { Body } from '../body/body.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { WebWorld } from '../web-world.fixture.ts';
import { openSignatures } from './open-signatures.ts';
import type { Signature } from './signature.ts';

const FILE = `{
  lamp: {
    set: {
      role: 'user',
      request: {
        type: 'object',
        fields: {
          level: { type: 'number', required: true },
          name: { type: 'string', default: 'hall' },
          at: 'date',
          tags: { type: 'array', of: 'string' },
          secret: { type: 'string', discard: true },
          colour: { fields: { red: 'number' } },
          anything: {},
        },
      },
      query: { fields: { dry: 'boolean', step: { type: 'array', of: 'number' } } },
      response: { fields: { level: { type: 'number', required: true }, at: 'date', secret: { discard: true } } },
    },
    get: { request: null, response: 'string' },
  },
  // As older files have it: fields alone, and flat names.
  'user/update': { task: 'public', request: { type: { type: 'string' }, level: { required: true } } },
}`;

/** What is asked of the signatures of a file. */
async function book(strict = false, text = FILE) {
  await using directory = await Directory.create();
  const path = directory.at('signatures.json5');
  await writeFile(path, text);
  const warnings: object[] = [];
  const roles = new Map([['user', new Set(['user'])]]);
  const context = {
    ...{ web: { signatures: { path, strict } }, directories: {}, roles },
    complain: (place: string[], problem: string) => new Error(`web.${place.join('.')}: ${problem}`),
    logger: { warn: (facts: object) => warnings.push(facts) } as unknown as Logger,
  } as unknown as WebContext;
  const signatures = await openSignatures(context);
  const of = (name: string, match = '/api/', validate = true) =>
    signatures.of({ path: `/api/${name}`, route: { match, validate } } as WebRequest) as Signature;
  return { of, warnings };
}

const set = async (strict = false) => (await book(strict)).of('lamp/set');

describe('the signature of an action', () => {
  it('is found by its path below the route, where the route asks for it', async () => {
    const { of } = await book();
    for (const name of ['lamp/set', 'lamp/get', 'lamp/get/', 'user/update'])
      expect(of(name), name).toBeDefined();
    for (const name of ['lamp', 'set', 'lamp/set/x', 'constructor']) expect(of(name), name).toBeUndefined();
    expect(of('lamp/set', '/api/', false)).toBeUndefined();
    expect(of('lamp/set', '')).toBeUndefined();
    expect(() => of('lamp/set', '', false)).not.toThrow();
    const strict = await book(true);
    expect(() => strict.of('other')).toThrow(expect.objectContaining({ code: 'WEB_SIGNATURE', status: 400 }));
  });

  it('fills defaults in, and leaves out what is to be discarded and what nobody named', async () => {
    const { of, warnings } = await book();
    const sent = { level: 1, secret: 'x', other: 1, colour: { red: 1, blue: 2 }, anything: { a: [1] } };
    for (const _time of [1, 2]) {
      expect(of('lamp/set').checkRequest(sent)).toEqual({
        ...{ level: 1, name: 'hall', colour: { red: 1 }, anything: { a: [1] } },
      });
    }
    expect(warnings).toHaveLength(1);
  });

  it.each<[unknown, string]>([
    [{}, 'request.level is missing'],
    [{ level: '1' }, 'request.level must be a number'],
    [{ level: null }, 'request.level must be a number'],
    [{ level: 1, name: 2 }, 'request.name must be a string'],
    [{ level: 1, at: 'soon' }, 'request.at must be a date'],
    [{ level: 1, tags: 'a' }, 'request.tags must be an array'],
    [{ level: 1, tags: ['a', 1] }, 'request.tags[1] must be a string'],
    [{ level: 1, colour: [] }, 'request.colour must be an object'],
    [{ level: 1, colour: { red: 'r' } }, 'request.colour.red must be a number'],
    [[], 'request must be an object'],
    [undefined, 'request must be an object'],
  ])('refuses %j, with the field that is wrong', async (sent, message) => {
    const signature = await set();
    expect(() => signature.checkRequest(sent)).toThrow(
      expect.objectContaining({ code: 'WEB_SIGNATURE', status: 400, message }),
    );
  });

  it('takes nothing where there is to be nothing, and what it likes where it says no fields', async () => {
    const { of } = await book();
    expect(() => of('lamp/get').checkRequest({ a: 1 })).toThrow('request must be empty');
    for (const nothing of [undefined, null, {}, ''])
      expect(of('lamp/get').checkRequest(nothing)).toBeUndefined();
    expect(of('user/update').checkRequest({ type: 'a', level: [1] })).toEqual({ type: 'a', level: [1] });
  });

  it('reads texts of queries and forms as what they are to be', async () => {
    const signature = await set();
    const clean = (text: string) => signature.checkQuery(new URLSearchParams(text)).toString();
    expect(clean('dry=true&step=1&step=2&other=1')).toBe('dry=true&step=1&step=2');
    expect(clean('step=1')).toBe('step=1');
    expect(() => clean('dry=yes')).toThrow('query.dry must be a boolean');
    expect(() => clean('step=1&step=')).toThrow('query.step[1] must be a number');
    expect(() => clean('dry=true&dry=true')).toThrow('query.dry must be a boolean');
    const form = new URLSearchParams('level=3&-xsrf-=t&__proto__=1');
    expect(String(signature.checkRequest(form))).toBe('level=3&name=hall');
  });

  it('refuses, where it is strict, what nobody named', async () => {
    const signature = await set(true);
    expect(() => signature.checkRequest({ level: 1, other: 1 })).toThrow(
      'request.other is no field of lamp/set',
    );
    expect(() => signature.checkQuery(new URLSearchParams('other=1'))).toThrow('query.other is no field');
    expect(String(signature.checkRequest(new URLSearchParams('level=1&-xsrf-=t')))).toBe('level=1&name=hall');
  });

  it('leaves out of answers what they do not name, and says so once', async () => {
    const { of, warnings } = await book();
    const answer = { level: 1, at: new Date(0), secret: 'x', password: 'y' };
    for (const _time of [1, 2]) {
      expect(of('lamp/set').filterResponse(answer)).toEqual({ level: 1, at: '1970-01-01T00:00:00.000Z' });
    }
    expect(warnings).toEqual([{ action: 'lamp/set', what: 'response.password is no field of it' }]);
    expect(of('lamp/get').filterResponse('on')).toBe('on');
  });

  it('makes an answer that is none a failure of the device, where it is strict', async () => {
    const { of } = await book(true);
    for (const answer of [{ level: 'high' }, {}, 'on', { level: 1, password: 'y' }]) {
      expect(() => of('lamp/set').filterResponse(answer)).toThrow(
        expect.objectContaining({ code: 'WEB_RESPONSE', status: 500 }),
      );
    }
    expect(of('lamp/set').filterResponse({ level: 1, secret: 'x' })).toEqual({ level: 1 });
  });
});

describe('a request to an action with a signature', () => {
  /** What the action finds, or the code that it is refused with. */
  async function sent(headers: Record<string, string>, body: string, { query = '', name = 'lamp/set' } = {}) {
    const signature = (await book()).of(name);
    await using web = await WebWorld.create();
    const handler = async ({ body }: { body: Body }) => {
      const request = {
        query,
        isSafe: false,
        route: { stream: false },
        body,
        raw: { headers: { 'content-length': '9' } },
      };
      await signature.admit(request as unknown as WebRequest);
      const form = body.type.startsWith('multipart') ? (await body.uploads()).fields : undefined;
      const value =
        body.type === 'application/json' ? await body.json() : String(form ?? (await body.form()));
      return { value, query: request.query };
    };
    web.actions.add({ path: '/x', options: {}, handler: handler as never });
    const answer = await web.send('POST', '/x', { headers, body });
    const value = JSON.parse(answer.text);
    return value.error?.code ?? value;
  }
  const json = { 'content-type': 'application/json' };

  it('comes to it clean, be it JSON or a form', async () => {
    const query = 'dry=true&x=1';
    const clean = { value: { level: 1, name: 'hall' }, query: 'dry=true' };
    expect(await sent(json, '{"level":1,"secret":"x"}', { query })).toEqual(clean);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await sent(form, 'level=1&x=2&name=a')).toMatchObject({ value: 'level=1&name=a' });
    const multipart = { 'content-type': 'multipart/form-data; boundary=b' };
    const part = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n1\r\n`;
    expect(await sent(multipart, `${part('level')}${part('x')}--b--\r\n`)).toMatchObject({
      value: 'level=1&name=hall',
    });
  });

  it('does not come to it otherwise', async () => {
    expect(await sent(json, '{"level":"1"}')).toBe('WEB_SIGNATURE');
    expect(await sent({ 'content-type': 'application/x-lamp' }, 'level')).toBe('WEB_BODY_TYPE');
    expect(await sent({ 'content-type': 'application/x-lamp' }, 'level', { name: 'lamp/get' })).toBe(
      'WEB_SIGNATURE',
    );
  });
});

describe('a file of signatures', () => {
  it.each([
    ['{\n a: {\n  b: { request: "text" }\n }\n}', ':3:8: a.b.request: must be one of string'],
    [
      '{\n a: { b: { request: { fields: { c: { type: "int" } } } } }\n}',
      'a.b.request.fields.c.type: must be one of',
    ],
    ['{ a: { b: { role: "king", request: null } } }', ':1:13: a.b.role: no role of auth.roles'],
    ['{ a: { b: { request: null, answer: null } } }', 'a.b.answer: is none of'],
    ['{ a: { b: { request: { type: "string", minimum: 1 } } } }', 'minimum: is no rule'],
    ['{ a: { b: { request: { required: "yes", type: "string" } } } }', 'required: must be true or false'],
    ['{ a: 1 }', 'a: must be an object'],
    ['{ a: \n', 'signatures.json5:'],
  ])('that is %j does not let the device start, and says where', async (text, message) => {
    await expect(book(false, text)).rejects.toThrow(message);
  });

  it('that is not there does so where it is asked for', async () => {
    const web = { signatures: { enable: true } };
    await expect(WebWorld.create({ web })).rejects.toThrow('web.signatures.path: there is no file');
    await expect(WebWorld.create({ web: { routes: [{ validate: true }] } })).rejects.toThrow(
      'there is no file',
    );
    await using _web = await WebWorld.create();
  });
});
