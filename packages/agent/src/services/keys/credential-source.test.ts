import { CodedError } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { ServerTime } from '../../cloud-api/server-time.ts';
import type { ProvisionRecord } from '../../identity/provision-file.ts';
import type { UrlAnswer, UrlRequest } from '../url/fetch.ts';
import { credentialSource } from './credential-source.ts';

const KEYS = { accessKeyId: 'ASIA', secretAccessKey: 'secret', sessionToken: 'token' };
const EXPIRES = '2026-01-01T01:00:00.000Z';
const CLAIMED: ProvisionRecord = {
  ...{ api: 'https://cloud/api', token: 'T', accountId: 'A', certificate: '@certs/ioto.crt' },
};

function setting(
  settings: Record<string, string>,
  {
    record = CLAIMED,
    answer,
    status = 200,
  }: { record?: ProvisionRecord; answer?: object; status?: number } = {},
) {
  const asked: (Partial<UrlRequest> & { url: string; bearer?: string })[] = [];
  const source = credentialSource({
    id: 'D1',
    settings,
    serverTime: new ServerTime(new VirtualClock()),
    provisionFile: { record, readPems: async () => ({ certificate: 'CERT', key: 'KEY', ca: undefined }) },
    api: {
      async post({ url, bearer }) {
        asked.push({ url, bearer });
        return (answer ?? { ...KEYS, region: 'local', expires: EXPIRES }) as Record<string, unknown>;
      },
    },
    async fetch(url, request = {}) {
      asked.push({ ...request, url });
      const body = answer ?? { credentials: { ...KEYS, expiration: EXPIRES } };
      const text = () => JSON.stringify(body);
      return {
        status,
        headers: { 'retry-after': '30' },
        body: Buffer.from(text()),
        text,
        json: () => body,
      } as UrlAnswer;
    },
  });
  const fetch = () => source.fetch(new AbortController().signal);
  return { source, fetch, asked };
}

describe('credentials of the device cloud', () => {
  it('are asked for with the token of the claim, and come with their endpoints', async () => {
    const endpoints = {
      logs: 'https://cloud:8443/',
      s3: 'https://cloud:8443',
      monitoring: 'https://cloud:8443',
    };
    const answer = { ...KEYS, region: 'local', expires: EXPIRES, endpoints };
    const { fetch, asked } = setting({}, { answer });
    expect(await fetch()).toEqual({
      keys: { ...KEYS, region: 'local', expires: Date.parse(EXPIRES) },
      endpoints: { ...endpoints, logs: 'https://cloud:8443' },
    });
    expect(asked).toEqual([{ url: 'https://cloud/api/tok/device/getCreds', bearer: 'T' }]);
  });

  it('of a cloud that names none are for AWS in a region of AWS, and for nothing elsewhere', async () => {
    const of = async (region: string) =>
      (await setting({}, { answer: { ...KEYS, region, expires: EXPIRES } }).fetch()).endpoints?.logs;
    expect(await of('ap-southeast-2')).toBe('https://logs.ap-southeast-2.amazonaws.com');
    expect(await of('cn-north-1')).toBe('https://logs.cn-north-1.amazonaws.com.cn');
    expect(await of('local')).toBeUndefined();
  });

  it.each([
    ['no keys', {}],
    ['half of them', { accessKeyId: 'ASIA' }],
    ['no time', { ...KEYS, region: 'local', expires: 'soon' }],
    [
      'an endpoint that is none',
      { ...KEYS, region: 'local', expires: EXPIRES, endpoints: { logs: 'x', s3: 'y', monitoring: 'z' } },
    ],
  ])('are refused with %s', async (_what, answer) => {
    await expect(setting({}, { answer }).fetch()).rejects.toMatchObject({ code: 'KEYS_MALFORMED' });
  });

  it('are nobody’s without a claim', () => {
    expect(() => setting({}, { record: {} }).source.standing()).toThrow(CodedError);
  });
});

describe('credentials of a provider', () => {
  const aws = { role: 'up load', endpoint: 'c1.credentials.iot.eu-central-1.amazonaws.com' };

  it('of AWS are asked for with the certificate, for the region in the name of the endpoint', async () => {
    const { fetch, asked } = setting(aws);
    const { keys, endpoints } = await fetch();
    expect(keys).toEqual({ ...KEYS, region: 'eu-central-1', expires: Date.parse(EXPIRES) });
    expect(endpoints?.monitoring).toBe('https://monitoring.eu-central-1.amazonaws.com');
    expect(asked).toMatchObject([
      {
        url: `https://${aws.endpoint}/role-aliases/up%20load/credentials`,
        ...{ cert: 'CERT', key: 'KEY', headers: { 'x-amzn-iot-thingname': 'D1' } },
      },
    ]);
    expect(asked[0]).not.toHaveProperty('alpn');
  });

  it('of ours are asked for under the ALPN that it asks certificates under, and say their region', async () => {
    const answer = { credentials: { ...KEYS, expiration: EXPIRES }, region: 'here' };
    const { fetch, asked } = setting({ role: 'ioto', endpoint: 'cloud:8443' }, { answer });
    expect((await fetch()).keys.region).toBe('here');
    expect(asked[0]?.alpn).toBe('x-amzn-http-ca');
  });

  it('that refuses are said with its own words, and when to ask again', async () => {
    const answer = { message: 'Role alias does not exist' };
    await expect(setting(aws, { answer, status: 404 }).fetch()).rejects.toMatchObject({
      ...{ code: 'HTTP_404', status: 404, retryAfter: 30_000, retryable: false },
      message: expect.stringContaining('Role alias does not exist'),
    });
  });

  it('need a region, a role and an endpoint, and a certificate', async () => {
    const elsewhere = setting({ role: 'ioto', endpoint: 'cloud:8443' });
    await expect(elsewhere.fetch()).rejects.toMatchObject({
      message: expect.stringContaining('keys.region'),
    });
    expect(() => setting({ role: 'ioto' })).toThrow('set keys.endpoint');
    expect(() => setting({ endpoint: 'cloud' })).toThrow('set keys.role');
    expect(() =>
      setting(aws, { record: { api: 'https://cloud/api', token: 'T' } }).source.standing(),
    ).toThrow('without a certificate');
  });
});
