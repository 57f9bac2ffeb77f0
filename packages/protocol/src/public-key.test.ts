import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonicalPublicKey, parsePublicKey } from './public-key.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const spki = publicKey.export({ type: 'spki', format: 'der' });
const pemOf = (der: Buffer) =>
  `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;

test('equal keys are equal strings, however their lines were broken', () => {
  expect(canonicalPublicKey(pem.replaceAll('\n', '\r\n'))).toBe(pem);
  expect(canonicalPublicKey(pemOf(spki))).toBe(pem);
});

test('the parsed key is the key', () => {
  expect(parsePublicKey(pem).equals(publicKey)).toBe(true);
});

test('only an EC P-256 public key whose point is on the curve is taken', () => {
  const offCurve = Buffer.from(spki);
  offCurve[90] = (offCurve[90] ?? 0) ^ 1;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey;
  const refused = [
    '',
    'x',
    pemOf(offCurve),
    pemOf(spki.subarray(0, 90)),
    pemOf(Buffer.concat([spki, Buffer.alloc(1)])),
    `${pem}${pem}`,
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    rsa.export({ type: 'spki', format: 'pem' }).toString(),
    p384.export({ type: 'spki', format: 'pem' }).toString(),
  ];
  for (const text of refused) {
    expect(() => canonicalPublicKey(text)).toThrow(expect.objectContaining({ code: 'PUBLIC_KEY_MALFORMED' }));
  }
});
