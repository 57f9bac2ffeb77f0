import { describe, expect, it } from 'vitest';
import { Blowfish } from './blowfish.ts';
import { isOldHash, verifyOldHash } from './old-hashes.ts';

const realm = 'Test Realm';

describe('a password that Ioto hashed', () => {
  it.each([
    ['alice', 'SHA256:11c66702489123a02c7dd0860e47fc4989bb0805ba5835fbbb36f316ec83eb83'],
    ['alice', '11C66702489123A02C7DD0860E47FC4989BB0805BA5835FBBB36F316EC83EB83'],
    ['bob', 'MD5:123b28ffae9fdec0c8e4b9dc92deb9bc'],
    ['ralph', 'BF1:00128:ErbpOzVtv19JV20U:+i8PT5V/4GiR9Ti6NhoEkVG99dG78GuP'],
  ])('is verified as it was (%s, %s)', (username, hash) => {
    expect(isOldHash(hash)).toBe(true);
    expect(verifyOldHash(hash, { username, realm, password: 'password' })).toBe(true);
    expect(verifyOldHash(hash, { username, realm, password: 'Password' })).toBe(false);
    expect(verifyOldHash(hash, { username: 'eve', realm, password: 'password' })).toBe(false);
    expect(verifyOldHash(hash, { username, realm: 'other', password: 'password' })).toBe(false);
  });

  it.each([
    '',
    'password',
    'SHA256:123b28ffae9fdec0c8e4b9dc92deb9bc',
    'BF1:00128:salt:short',
    'BF1:999999:ErbpOzVtv19JV20U:+i8PT5V/4GiR9Ti6NhoEkVG99dG78GuP',
    'BF1:0:ErbpOzVtv19JV20U:+i8PT5V/4GiR9Ti6NhoEkVG99dG78GuP',
  ])('is none of %j', (hash) => {
    expect(verifyOldHash(hash, { username: 'ralph', realm, password: 'password' })).toBe(false);
  });
});

describe('Blowfish', () => {
  // Of the vectors that its author published.
  it.each([
    ['0000000000000000', '0000000000000000', '4ef997456198dd78'],
    ['ffffffffffffffff', 'ffffffffffffffff', '51866fd5b85ecb8a'],
    ['0123456789abcdef', '1111111111111111', '61f9c3802281b096'],
    ['fedcba9876543210', '0123456789abcdef', '0aceab0fc6a0a28d'],
  ])('with the key %s makes of %s what it should', (key, plain, cipher) => {
    const block = Buffer.from(plain, 'hex');
    const words = new Blowfish(Buffer.from(key, 'hex')).encrypt(block.readUInt32BE(0), block.readUInt32BE(4));
    expect(words.map((word) => word.toString(16).padStart(8, '0')).join('')).toBe(cipher);
  });
});
