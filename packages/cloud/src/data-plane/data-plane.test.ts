import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IssuedCredentials } from '../ports/credential-issuer.ts';
import { DataPlaneWorld } from './data-plane.fixture.ts';

let plane: DataPlaneWorld;
let accountId: string;
let tool: IssuedCredentials;
beforeAll(async () => {
  plane = await DataPlaneWorld.create();
  accountId = await plane.world.account();
  tool = await plane.tool(accountId);
});
afterAll(() => plane[Symbol.asyncDispose]());

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

describe('POST /topics/{topic}', () => {
  it('hands the message to the endpoint with all that was said with it', async () => {
    const path = `/topics/${encodeURIComponent(`app/${accountId}/x y`)}`;
    const query = '?contentType=text%2Fplain&messageExpiry=60&qos=1&responseTopic=app%2Fr&retain=true';
    const answer = await plane.ask(tool, 'POST', path + query, 'hello', {
      'x-amz-mqtt5-payload-format-indicator': 'UTF8_DATA',
      'x-amz-mqtt5-correlation-data': Buffer.from('c').toString('base64'),
      'x-amz-mqtt5-user-properties': base64([{ a: '1' }, { b: '2' }]),
    });
    expect(answer).toEqual({ status: 200, body: { message: 'OK' } });
    expect(plane.world.endpoint.taken).toEqual([
      {
        ...{
          topic: `app/${accountId}/x y`,
          payload: Buffer.from('hello'),
          qos: 1,
          retain: true,
          expiry: 60_000,
        },
        properties: {
          ...{ contentType: 'text/plain', responseTopic: 'app/r', payloadFormatIndicator: 1 },
          correlationData: Buffer.from('c'),
          userProperties: [
            ['a', '1'],
            ['b', '2'],
          ],
        },
      },
    ]);
  });

  it.each([
    ['?qos=2', {}],
    ['?retain=yes', {}],
    ['?messageExpiry=0', {}],
    ['?responseTopic=a%2F%23', {}],
    ['', { 'x-amz-mqtt5-payload-format-indicator': 'TEXT' }],
    ['', { 'x-amz-mqtt5-user-properties': base64({ a: 1 }) }],
    ['', { 'x-amz-mqtt5-user-properties': base64([{ a: 1 }]) }],
    ['', { 'x-amz-mqtt5-user-properties': base64(['a']) }],
  ])('refuses what it cannot be: %s %o', async (query, headers) => {
    const answer = await plane.ask(tool, 'POST', `/topics/app${query}`, 'x', headers);
    expect(answer).toMatchObject({ status: 400, type: 'InvalidRequestException' });
  });

  it('is the only method, and not for strangers', async () => {
    expect(await plane.ask(tool, 'GET', '/topics/app')).toMatchObject({ type: 'MethodNotAllowedException' });
    expect(await plane.ask(undefined, 'POST', '/topics/app', 'x')).toMatchObject({ status: 401 });
    expect(await plane.ask(tool, 'POST', '/topics/app', Buffer.alloc(140_000))).toMatchObject({
      status: 413,
    });
  });
});

describe('GET /retainedMessage', () => {
  it('shows what the caller may receive, page by page, and one of them whole', async () => {
    const kept = (topic: string) => ({ topic, payload: Buffer.from('on'), qos: 1, retainedAt: 5 });
    const properties = { userProperties: [['a', '1'] as [string, string]] };
    const [one, two, three] = ['a', 'b', 'c'].map((level) => `app/${accountId}/${level}`) as [
      string,
      string,
      string,
    ];
    plane.world.endpoint.kept = [kept(two), { ...kept(one), properties }, kept('app/other/x'), kept(three)];
    const first = await plane.ask(tool, 'GET', '/retainedMessage?maxResults=2');
    const shown = { payloadSize: 2, qos: 1, lastModifiedTime: 5 };
    expect(first.body.retainedTopics).toEqual([
      { topic: one, ...shown },
      { topic: two, ...shown },
    ]);
    const rest = await plane.ask(tool, 'GET', `/retainedMessage?nextToken=${first.body.nextToken}`);
    expect(rest.body).toEqual({ retainedTopics: [{ topic: three, ...shown }] });
    const whole = await plane.ask(tool, 'GET', `/retainedMessage/${encodeURIComponent(one)}`);
    expect(whole.body).toEqual({
      ...{ topic: one, payload: Buffer.from('on').toString('base64'), qos: 1, lastModifiedTime: 5 },
      userProperties: base64([{ a: '1' }]),
    });
  });

  it('says what is not there, and what may not be seen', async () => {
    const none = encodeURIComponent(`app/${accountId}/none`);
    expect(await plane.ask(tool, 'GET', `/retainedMessage/${none}`)).toMatchObject({
      type: 'ResourceNotFoundException',
    });
    expect(await plane.ask(tool, 'GET', '/retainedMessage/app%2Fother%2Fx')).toMatchObject({
      type: 'ForbiddenException',
    });
    expect(await plane.ask(tool, 'GET', '/retainedMessage?maxResults=0')).toMatchObject({ status: 400 });
    expect(await plane.ask(tool, 'POST', '/retainedMessage/x')).toMatchObject({ status: 405 });
  });
});
