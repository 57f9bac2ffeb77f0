import { createHash } from 'node:crypto';
import type { SignedRequest } from '@ioto/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signatureError } from './errors.ts';
import { amzDate, KEYS, NOW, REGION, type Signing, signedRequest } from './signed.fixture.ts';
import { verifySignedRequest } from './verify-request.ts';

const SERVICES = ['iotdevicegateway', 'iotdata'];

function verify(request: SignedRequest, now = NOW): Promise<string> {
  return verifySignedRequest(request, {
    now,
    region: REGION,
    services: SERVICES,
    open: async ({ accessKeyId, sessionToken }) => {
      if (accessKeyId !== KEYS.accessKeyId || sessionToken !== KEYS.sessionToken) {
        throw signatureError('UnrecognizedClientException', 'not ours');
      }
      return { secret: KEYS.secretAccessKey, bearer: 'the bearer' };
    },
  });
}

/** The code of the refusal. */
async function refusal(request: SignedRequest, now?: number): Promise<unknown> {
  return verify(request, now).then(
    (bearer) => `accepted as ${bearer}`,
    (error) => error.code,
  );
}

const URLS: [string, Signing][] = [
  ['a presigned URL without a port', { url: 'https://cloud.example/mqtt', presigned: true }],
  ['a presigned URL with a port', { url: 'https://cloud.example:8443/mqtt', presigned: true }],
  [
    'a presigned URL of another service, whose token is signed',
    { url: 'https://cloud.example/mqtt?b=2&a=1', presigned: true, service: 'iotdata' },
  ],
  ['a signed header', { url: 'https://cloud.example:8443/mqtt', service: 'iotdata' }],
  [
    'a signed header over a body, further headers and a query',
    {
      url: 'https://cloud.example/topics/a%2Fb?qos=1&retain=false&empty=',
      ...{ method: 'POST', service: 'iotdata', body: '{"on":true}' },
      headers: { 'X-Amz-Target': 'Logs_20140328.PutLogEvents', 'X-Custom': '  two   words ' },
    },
  ],
  [
    'names and values that only strict encoding agrees on',
    {
      url: 'https://cloud.example/things/l%C3%A4mp/shadow?name=%21%27%28%29%2A~%2B%20&a=%2F',
      service: 'iotdata',
    },
  ],
];

describe('a request that aws4fetch has signed', () => {
  it.each(URLS)('is proven: %s', async (_name, signing) => {
    expect(await verify(await signedRequest(signing))).toBe('the bearer');
  });

  it('carries the hash of its body where it says so', async () => {
    const body = '{"on":true}';
    const hash = createHash('sha256').update(body).digest('hex');
    const signing = { url: 'https://cloud.example/x', method: 'POST', service: 'iotdata', body };
    const request = (value: string) =>
      signedRequest({ ...signing, headers: { 'X-Amz-Content-Sha256': value } });
    expect(await verify(await request(hash))).toBe('the bearer');
    expect(await refusal({ ...(await request(hash)), body: Buffer.from('{"on":false}') })).toBe(
      'InvalidSignatureException',
    );
    expect(await refusal(await request('UNSIGNED-PAYLOAD'))).toBe('InvalidSignatureException');
  });

  it('is refused with any byte of it changed', async () => {
    const signed = await Promise.all(URLS.map(([, signing]) => signedRequest(signing)));
    const change = fc.record({
      of: fc.constantFrom(...signed),
      place: fc.constantFrom('method', 'target', 'host', 'header', 'body'),
      at: fc.nat(),
      to: fc.integer({ min: 0x21, max: 0x7e }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ of, place, at, to }) => {
        const changed = withByteChanged(of, place, at, String.fromCharCode(to));
        fc.pre(changed !== undefined);
        if (changed) expect(await refusal(changed)).toMatch(/Exception$/);
      }),
      { numRuns: 3000 },
    );
  });
});

/** Undefined where nothing is changed, or only the way in which the same is written. */
function withByteChanged(request: SignedRequest, place: string, at: number, to: string) {
  const edit = (text: string) => {
    const index = text.length === 0 ? 0 : at % text.length;
    return text.slice(0, index) + to + text.slice(index + 1);
  };
  const { method, target, rawHeaders, body } = request;
  if (place === 'method') return edit(method) === method ? undefined : { ...request, method: edit(method) };
  if (place === 'target') {
    const same = written(edit(target)) === written(target);
    return same ? undefined : { ...request, target: edit(target) };
  }
  if (place === 'body') {
    const text = Buffer.from(body).toString();
    return edit(text) === text ? undefined : { ...request, body: Buffer.from(edit(text)) };
  }
  // The values of signed headers: Host, or one of the others.
  const signed = rawHeaders.flatMap((name, index) => {
    const wanted = place === 'host' ? name === 'Host' : /^(x-custom|x-amz-(date|target|security))/.test(name);
    return index % 2 === 0 && wanted ? [index + 1] : [];
  });
  const index = signed[at % signed.length];
  if (index === undefined) return undefined;
  const before = rawHeaders[index] ?? '';
  const after = edit(before);
  return after === before ? undefined : { ...request, rawHeaders: rawHeaders.with(index, after) };
}

/** Path, and what the query says: `%2f` is `%2F`, an empty parameter is none, one without `=` is empty. */
function written(target: string): string {
  const [path, ...query] = target.split('?');
  try {
    const parameters = query.join('?').split('&').filter(Boolean);
    const pairs = parameters.map((part) => decodeURIComponent(part.includes('=') ? part : `${part}=`));
    return [path, ...pairs.sort()].join('\n');
  } catch {
    return target;
  }
}

describe('the time of a signature', () => {
  const minutes = (n: number) => n * 60_000;

  it('may be five minutes off, either way', async () => {
    for (const presigned of [false, true]) {
      const request = await signedRequest({
        url: 'https://cloud.example/mqtt',
        presigned,
        service: 'iotdata',
      });
      for (const off of [-5, 5]) expect(await verify(request, NOW + minutes(off))).toBe('the bearer');
      for (const off of [-5, 5]) {
        const beyond = NOW + minutes(off) + Math.sign(off);
        expect(await refusal(request, beyond)).toBe('InvalidSignatureException');
      }
    }
  });

  it('lasts as long as X-Amz-Expires says, a day at most', async () => {
    const url = (expires: number) => `https://cloud.example/mqtt?X-Amz-Expires=${expires}`;
    const hour = await signedRequest({ url: url(3600), presigned: true });
    expect(await verify(hour, NOW + minutes(60))).toBe('the bearer');
    expect(await refusal(hour, NOW + minutes(60) + 1)).toBe('InvalidSignatureException');
    const short = await signedRequest({ url: url(1), presigned: true });
    expect(await verify(short, NOW + minutes(5))).toBe('the bearer');
    const long = await signedRequest({ url: url(86_401), presigned: true });
    expect(await refusal(long)).toBe('InvalidSignatureException');
  });

  it('is of the day that the scope names', async () => {
    const request = await signedRequest({ url: 'https://cloud.example/mqtt', presigned: true });
    const target = request.target.replace('20260102%2F', '20260103%2F');
    expect(target).not.toBe(request.target);
    expect(await refusal({ ...request, target })).toBe('InvalidSignatureException');
  });
});

describe('what is refused', () => {
  it('for want of a signature', async () => {
    const bare = { method: 'GET', target: '/mqtt', rawHeaders: ['Host', 'x'], body: Buffer.alloc(0) };
    expect(await refusal(bare)).toBe('MissingAuthenticationTokenException');
    const bearer = { ...bare, rawHeaders: ['Host', 'x', 'Authorization', 'bearer AWS4-HMAC-SHA256'] };
    expect(await refusal(bearer)).toBe('MissingAuthenticationTokenException');
  });

  it('for a malformed part, which it names', async () => {
    const { target, ...rest } = await signedRequest({ url: 'https://cloud.example/mqtt', presigned: true });
    const broken: [RegExp, string, RegExp][] = [
      [/AWS4-HMAC-SHA256/, 'AWS4-HMAC-SHA1', /algorithm/],
      [/X-Amz-Date=[^&]+/, 'X-Amz-Date=yesterday', /X-Amz-Date/],
      [/X-Amz-Date=[^&]+/, 'X-Amz-Date=20261302T030405Z', /X-Amz-Date/],
      [/aws4_request/, 'aws5_request', /Credential/],
      [/X-Amz-SignedHeaders=host/, 'X-Amz-SignedHeaders=host%3Bdate', /SignedHeaders/],
      [/X-Amz-Signature=[^&]+/, 'X-Amz-Signature=00', /Signature/],
      [/$/, '&X-Amz-Expires=0', /X-Amz-Expires/],
      [/$/, `&X-Amz-Date=${amzDate(NOW)}`, /more than once/],
      [/$/, '&a=%ff', /percent/],
    ];
    for (const [pattern, by, named] of broken) {
      const error = await verify({ ...rest, target: target.replace(pattern, by) }).catch((e) => e);
      expect([error.code, error.message]).toEqual([
        'IncompleteSignatureException',
        expect.stringMatching(named),
      ]);
    }
  });

  it('for another region or service', async () => {
    const url = 'https://cloud.example/mqtt';
    for (const more of [{ region: 'eu-west-1' }, { service: 's3' }, { service: 'logs' }]) {
      const request = await signedRequest({ url, presigned: true, ...more });
      expect(await refusal(request)).toBe('InvalidSignatureException');
    }
  });

  it('for a header of AWS’s that nobody signed, or a Host that is not signed', async () => {
    const request = await signedRequest({ url: 'https://cloud.example/x', service: 'iotdata' });
    const added = { ...request, rawHeaders: [...request.rawHeaders, 'X-Amz-Target', 'DeleteAll'] };
    expect(await refusal(added)).toBe('InvalidSignatureException');
    const hostless = request.rawHeaders.map((value) =>
      value.replace('SignedHeaders=host;', 'SignedHeaders='),
    );
    expect(await refusal({ ...request, rawHeaders: hostless })).toBe('InvalidSignatureException');
  });

  it('for keys of somebody else', async () => {
    const url = 'https://cloud.example/mqtt';
    const foreign = { ...KEYS, sessionToken: 'another' };
    const request = await signedRequest({ url, presigned: true, keys: foreign });
    expect(await refusal(request)).toBe('UnrecognizedClientException');
    const guessed = await signedRequest({
      url,
      presigned: true,
      keys: { ...KEYS, secretAccessKey: 'guess' },
    });
    expect(await refusal(guessed)).toBe('InvalidSignatureException');
  });

  it('without ever throwing anything but a refusal, whatever a stranger sends', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('AWS4-HMAC-SHA256 ', 'X-Amz-Algorithm=AWS4-HMAC-SHA256'),
    );
    const parts = fc.array(text, { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(parts, parts, async (query, header) => {
        const rawHeaders = ['Host', 'x', 'Authorization', header.join(',')];
        const request = {
          method: 'GET',
          target: `/mqtt?${query.join('&')}`,
          rawHeaders,
          body: Buffer.alloc(0),
        };
        expect(await refusal(request)).toMatch(/^(Missing|Incomplete|Invalid|Unrecognized)\w+Exception$/);
      }),
    );
  });
});
