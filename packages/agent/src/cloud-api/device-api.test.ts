import { generateKeyPairSync } from 'node:crypto';
import { SIGNATURE_HEADER, verifyRequest } from '@ioto/protocol';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import type { UrlAnswer, UrlRequest } from '../services/url/fetch.ts';
import { DeviceApi } from './device-api.ts';
import { ServerTime } from './server-time.ts';

function makeApi(answers: { status?: number; headers?: Record<string, string>; body?: unknown }[]) {
  const clock = new VirtualClock();
  const serverTime = new ServerTime(clock);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const sent: UrlRequest[] = [];
  const api = new DeviceApi({
    serverTime,
    key: { path: '', privateKey, publicKeyPem, fresh: false },
    timeout: 1000,
    async fetch(_url, request) {
      sent.push(request ?? {});
      const { status = 200, headers = {}, body } = answers.shift() ?? {};
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return {
        status,
        headers,
        body: Buffer.from(text),
        text: () => text,
        json: () => JSON.parse(text),
      } as UrlAnswer;
    },
  });
  const post = () =>
    api.post({ url: 'https://builder/api/device/register?x=1', bearer: 'PRODUCT', body: { id: 'A' } });
  return { clock, serverTime, publicKeyPem, sent, post };
}

describe('a call of the device', () => {
  it('carries its bearer, asks for proper statuses, and is signed over method, path, date and body', async () => {
    const { clock, publicKeyPem, sent, post } = makeApi([{ body: { registered: true } }]);
    expect(await post()).toEqual({ registered: true });
    const { headers = {}, body = '' } = sent[0] ?? {};
    expect(headers).toMatchObject({ authorization: 'bearer PRODUCT', 'ioto-agent': '2' });
    const parts = { method: 'POST', path: '/api/device/register?x=1', body };
    verifyRequest(parts, headers[SIGNATURE_HEADER], publicKeyPem, clock.now());
    expect(() =>
      verifyRequest({ ...parts, body: '{}' }, headers[SIGNATURE_HEADER], publicKeyPem, clock.now()),
    ).toThrow();
  });

  it('sets its clock by the Date of an answer that finds its signature out of time, and tries once more', async () => {
    const date = new Date('2030-01-01T00:00:00Z');
    const { serverTime, publicKeyPem, sent, post } = makeApi([
      { status: 401, headers: { date: date.toUTCString() }, body: { error: 'off', code: 'SIGNATURE_DATE' } },
      { headers: { date: date.toUTCString() }, body: { registered: true } },
    ]);
    await post();
    const { headers = {}, body = '' } = sent[1] ?? {};
    verifyRequest(
      { method: 'POST', path: '/api/device/register?x=1', body },
      headers[SIGNATURE_HEADER],
      publicKeyPem,
      date.getTime(),
    );
    expect(serverTime.now()).toBe(date.getTime());
  });

  it('reads an error as one also when it comes with status 200, and the delay that it asks for', async () => {
    const { post } = makeApi([{ body: { error: 'blocked', delay: 3600 } }]);
    await expect(post()).rejects.toMatchObject({
      retryAfter: 3_600_000,
      message: expect.stringContaining('blocked'),
    });
  });

  it('reads Retry-After in seconds and as a date', async () => {
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    const later = 'Thu, 01 Jan 2026 00:02:00 GMT';
    const { post } = makeApi([
      { status: 429, headers: { 'retry-after': '7' }, body: { error: 'slow down', code: 'RATE_LIMITED' } },
      { status: 503, headers: { date, 'retry-after': later }, body: 'not even JSON' },
    ]);
    await expect(post()).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7000, status: 429 });
    await expect(post()).rejects.toMatchObject({ code: 'HTTP_503', retryAfter: 120_000 });
  });

  it('takes a success without an object for a failure', async () => {
    const { post } = makeApi([{ body: [] }, { body: 'ok' }]);
    await expect(post()).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
    await expect(post()).rejects.toMatchObject({ code: 'ANSWER_MALFORMED' });
  });
});
