import { signedHeadersOf } from '@ioto/protocol';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { ServerTime } from '../../cloud-api/server-time.ts';
import type { AwsKeys } from '../../service-apis.ts';
import type { UrlAnswer, UrlRequest } from '../url/fetch.ts';
import { makeAwsFetch } from './aws-fetch.ts';

const HOUR = 3_600_000;

interface Plain {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

/** A cloud whose clock is `ahead` of the device's. */
function setting(answers: Plain[], { ahead = 0 } = {}) {
  const clock = new VirtualClock();
  const sent: (UrlRequest & { url: string })[] = [];
  const refused: string[] = [];
  let made = 1;
  const keys = (n: number): AwsKeys => ({
    ...{ accessKeyId: `ASIA${n}`, secretAccessKey: 'secret', sessionToken: 'token' },
    ...{ region: 'local', expires: Number.POSITIVE_INFINITY },
  });
  const awsFetch = makeAwsFetch({
    keys: {
      get: async () => keys(made),
      endpoints: undefined,
      refused: ({ accessKeyId }) => {
        refused.push(accessKeyId);
        made += 1;
      },
    },
    serverTime: new ServerTime(clock),
    async fetch(url, request = {}) {
      sent.push({ ...request, url });
      const { status, body = '{}', headers = {} } = answers.shift() ?? { status: 200 };
      const date = new Date(clock.now() + ahead).toUTCString();
      return {
        ...{ status, headers: { date, ...headers }, body: Buffer.from(body) },
        ...{ text: () => body, json: () => JSON.parse(body) },
      } as UrlAnswer;
    },
  });
  const put = () =>
    awsFetch({
      service: 'logs',
      url: 'https://cloud:8443/',
      target: 'Logs_20140328.PutLogEvents',
      body: '{}',
    });
  return { clock, sent, refused, awsFetch, put };
}

const expired = (code = 'ExpiredTokenException') => ({
  status: 403,
  body: JSON.stringify({ __type: code, message: 'over' }),
});

describe('a request that is signed with the credentials of the device', () => {
  it('carries the signature over what it says, its target among it', async () => {
    const { clock, sent, put } = setting([]);
    expect((await put()).status).toBe(200);
    const { method, headers, body } = sent[0] ?? {};
    expect([method, body]).toEqual(['POST', '{}']);
    const url = new URL('https://cloud:8443/');
    const plain = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.PutLogEvents',
    };
    const request = { method: 'POST', url, headers: plain, body: '{}', service: 'logs', region: 'local' };
    const credentials = { accessKeyId: 'ASIA1', secretAccessKey: 'secret', sessionToken: 'token' };
    expect(headers).toEqual(signedHeadersOf({ ...request, now: clock.now() }, credentials));
  });

  it('is sent again, dated by the clock of the cloud, when its date was off by an hour', async () => {
    const { sent, refused, put } = setting([expired('InvalidSignatureException')], { ahead: HOUR });
    expect((await put()).status).toBe(200);
    expect(sent).toHaveLength(2);
    const [before, after] = sent.map(({ headers }) => String(headers?.['x-amz-date']));
    expect(before?.slice(0, 11)).not.toBe(after?.slice(0, 11));
    expect(refused).toEqual([]);
  });

  it('is not sent again when the signature is wrong for another reason', async () => {
    const { sent, put } = setting([expired('InvalidSignatureException')]);
    expect((await put()).status).toBe(403);
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['ExpiredTokenException', expired()],
    ['a name space before the code', expired('com.amazon.coral.service#UnrecognizedClientException')],
    [
      'a code in a header',
      { status: 403, headers: { 'x-amzn-errortype': 'ExpiredTokenException:http://x' } },
    ],
    ['an answer of S3', { status: 400, body: '<Error><Code>ExpiredToken</Code></Error>' }],
  ])('is sent again with new credentials after %s', async (_what, answer) => {
    const { sent, refused, put } = setting([answer]);
    expect((await put()).status).toBe(200);
    expect(refused).toEqual(['ASIA1']);
    expect(sent[1]?.headers?.authorization).toContain('Credential=ASIA2/');
  });

  it('is sent again once for each reason, and then answered as it is', async () => {
    const { sent, put } = setting([expired(), expired(), expired()]);
    expect((await put()).status).toBe(403);
    expect(sent).toHaveLength(2);
    const both = setting([expired('InvalidSignatureException'), expired()], { ahead: HOUR });
    expect((await both.put()).status).toBe(200);
    expect(both.sent).toHaveLength(3);
  });

  it('says the hash of its body to S3, whose paths are signed as they are', async () => {
    const { sent, awsFetch } = setting([]);
    await awsFetch({ service: 's3', url: 'https://bucket/a%20b', method: 'PUT', body: '' });
    expect(sent[0]?.headers?.['x-amz-content-sha256']).toMatch(/^e3b0c44298fc/);
  });
});
