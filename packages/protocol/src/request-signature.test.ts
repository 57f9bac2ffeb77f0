import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { secretsEqual, signRequest, verifyRequest } from './request-signature.ts';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const device = pair();
const publicKey = device.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const parts = { method: 'POST', path: '/api/device/register', body: '{"id":"JT08FFQXWQ"}' };
const now = Date.UTC(2026, 0, 1);

test('a request signed by the pinned key is accepted', () => {
  verifyRequest(parts, signRequest(parts, device.privateKey, now), publicKey, now + 60_000);
});

test.each([
  ['method', { ...parts, method: 'GET' }],
  ['path', { ...parts, path: '/api/tok/device/provision' }],
  ['body', { ...parts, body: '{"id":"JT08FFQXWR"}' }],
])('a signature does not carry over to another %s', (_what, other) => {
  expect(() => verifyRequest(other, signRequest(parts, device.privateKey, now), publicKey, now)).toThrow(
    expect.objectContaining({ code: 'SIGNATURE_INVALID', status: 401 }),
  );
});

test('an impostor with a key of its own is refused', () => {
  expect(() => verifyRequest(parts, signRequest(parts, pair().privateKey, now), publicKey, now)).toThrow(
    expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
  );
});

test('a replay after five minutes and a clock that is off are told apart from a forgery', () => {
  expect(() => verifyRequest(parts, signRequest(parts, device.privateKey, 0), publicKey, now)).toThrow(
    expect.objectContaining({ code: 'SIGNATURE_DATE' }),
  );
});

test.each([
  [undefined, 'SIGNATURE_MISSING'],
  ['', 'SIGNATURE_MISSING'],
  ['nonsense', 'SIGNATURE_MALFORMED'],
  ['date="never", signature="AAAA"', 'SIGNATURE_MALFORMED'],
  [`date="${new Date(now).toISOString()}", signature="AAAA"`, 'SIGNATURE_INVALID'],
])('the header %j is refused as %s', (header, code) => {
  expect(() => verifyRequest(parts, header, publicKey, now)).toThrow(expect.objectContaining({ code }));
});

test('secrets compare by value whatever their lengths', () => {
  expect(secretsEqual('abc', 'abc')).toBe(true);
  expect(secretsEqual('abc', 'abcd')).toBe(false);
});
