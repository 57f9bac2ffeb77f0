import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataPlaneWorld } from '../data-plane/data-plane.fixture.ts';
import type { IssuedCredentials } from '../ports/credential-issuer.ts';
import { storeError } from '../ports/item-store.ts';

let plane: DataPlaneWorld;
let accountId: string;
let thing: string;
let strangers: string;
let tool: IssuedCredentials;
let viewer: IssuedCredentials;
let device: IssuedCredentials;

beforeAll(async () => {
  plane = await DataPlaneWorld.create();
  const { world } = plane;
  accountId = await world.account();
  thing = (await world.ownedDevice(accountId)).id;
  strangers = (await world.ownedDevice(await world.account('Other'))).id;
  tool = await plane.tool(accountId);
  viewer = await plane.tool(accountId, 'viewer');
  device = await plane.device(accountId, thing);
  world.endpoint.isHeard = true;
});
afterAll(() => plane[Symbol.asyncDispose]());

const path = (id = thing, query = '') => `/things/${id}/shadow${query}`;
const names = (query = '') => `/api/things/shadow/ListNamedShadowsForThing/${thing}${query}`;
const update = (state: object, more: object = {}) => JSON.stringify({ state, ...more });

describe('a shadow over REST', () => {
  it('that the disk refuses is a service that is not available, which is to be tried again', async () => {
    const { store } = plane.world;
    const write = store.update;
    store.update = async () => {
      throw storeError('STORE_UNWRITABLE', 'no space left on /var/lib');
    };
    const answer = await plane.ask(tool, 'POST', path(), update({ desired: { a: 1 } }));
    store.update = write;
    expect(answer).toEqual({
      ...{ status: 503, type: 'ServiceUnavailableException' },
      body: { code: 503, message: expect.stringMatching(/the disk of the cloud takes nothing now/) },
    });
    expect(JSON.stringify(answer)).not.toContain('/var/lib');
  });

  it('is made, read and removed, and messages tell of it', async () => {
    const sent = update({ desired: { a: 1 } }, { clientToken: 't' });
    expect(await plane.ask(tool, 'POST', path(), sent)).toMatchObject({
      status: 200,
      body: { state: { desired: { a: 1 } }, version: 1, clientToken: 't' },
    });
    expect(await plane.ask(device, 'GET', path())).toMatchObject({ body: { state: { delta: { a: 1 } } } });
    expect(await plane.ask(viewer, 'GET', path())).toMatchObject({ status: 200 });
    expect(await plane.ask(tool, 'DELETE', path())).toEqual({
      status: 200,
      body: { version: 1, timestamp: expect.any(Number) },
    });
    expect(plane.world.endpoint.sent.map(({ topic }) => topic.split('/shadow/')[1])).toEqual([
      ...['update/accepted', 'update/delta', 'update/documents', 'delete/accepted'],
    ]);
    expect(await plane.world.history(accountId)).toContain('shadow.removed');
  });

  it('has names, which are listed page by page', async () => {
    for (const name of ['c', 'a', 'b'])
      await plane.ask(tool, 'POST', path(thing, `?name=${name}`), update({}));
    const first = await plane.ask(viewer, 'GET', names('?pageSize=2'));
    expect(first.body).toMatchObject({ results: ['a', 'b'], nextToken: expect.any(String) });
    const second = await plane.ask(viewer, 'GET', names(`?pageSize=2&nextToken=${first.body.nextToken}`));
    expect(second.body).toEqual({ results: ['c'], timestamp: expect.any(Number) });
  });

  it.each<[number, string, () => Promise<unknown>]>([
    [400, 'InvalidRequestException', () => plane.ask(tool, 'POST', path(), '{')],
    [400, 'InvalidRequestException', () => plane.ask(tool, 'GET', path(thing, '?name=a%20b'))],
    [400, 'InvalidRequestException', () => plane.ask(tool, 'GET', names('?pageSize=101'))],
    [400, 'InvalidRequestException', () => plane.ask(tool, 'GET', names('?nextToken=!'))],
    [401, 'UnauthorizedException', () => plane.ask(undefined, 'GET', path())],
    [403, 'ForbiddenException', () => plane.ask(viewer, 'POST', path(), update({}))],
    [403, 'ForbiddenException', () => plane.ask(viewer, 'DELETE', path())],
    [403, 'ForbiddenException', () => plane.ask(device, 'GET', path(strangers))],
    [404, 'ResourceNotFoundException', () => plane.ask(tool, 'GET', path(strangers))],
    [404, 'ResourceNotFoundException', () => plane.ask(tool, 'GET', path(thing, '?name=none'))],
    [405, 'MethodNotAllowedException', () => plane.ask(tool, 'PUT', path(), '{}')],
    [409, 'ConflictException', () => plane.ask(tool, 'POST', path(), update({}, { version: 99 }))],
    [
      413,
      'RequestEntityTooLargeException',
      () => plane.ask(tool, 'POST', path(), update({ desired: { a: 'x'.repeat(9000) } })),
    ],
    [413, 'RequestEntityTooLargeException', () => plane.ask(tool, 'POST', path(), Buffer.alloc(200_000))],
    [415, 'UnsupportedDocumentEncodingException', () => plane.ask(tool, 'POST', path(), Buffer.from([0xff]))],
  ])('is refused with %s %s', async (status, type, request) => {
    expect(await request()).toMatchObject({
      status,
      type,
      body: { code: status, message: expect.any(String) },
    });
  });

  it('does not answer more than ten requests about one thing at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 12 }, () => plane.ask(tool, 'POST', path(), update({}))),
    );
    const refused = all.filter(({ status }) => status === 429);
    expect(refused).toEqual(
      Array.from({ length: 2 }, () => ({
        ...{ status: 429, type: 'ThrottlingException', body: { code: 429, message: 'Too many requests' } },
      })),
    );
  });

  it('is not shown to a device of an ownership that is over', async () => {
    const old = await plane.device(accountId, thing, 0);
    expect(await plane.ask(old, 'GET', path())).toMatchObject({ status: 403, type: 'ExpiredTokenException' });
  });
});
