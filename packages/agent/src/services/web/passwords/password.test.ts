import { describe, expect, it } from 'vitest';
import { Argon2id } from './argon2id.ts';
import { argon2InPlace, cheapPasswords } from './cheap-passwords.fixture.ts';
import { parsePhc } from './phc.ts';
import { faultOfPassword } from './suitable.ts';

const realm = 'Test Realm';
const cost = { memory: 8, passes: 1, parallelism: 1 };
const job = { password: 'password', salt: Buffer.from('somesalt'), cost, length: 32 };

describe('argon2id', () => {
  it('is made in a thread as the reference implementation makes it', async () => {
    const argon2id = new Argon2id();
    // Of the tests of the reference implementation, the one that costs the least.
    const hash = await argon2id.hash({ ...job, cost: { memory: 256, passes: 2, parallelism: 1 } });
    expect(hash.toString('hex')).toBe('9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe');
  });

  it('is made one at a time, for five at most', async () => {
    let running = 0;
    let most = 0;
    const argon2id = new Argon2id(async (each) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return argon2InPlace(each);
    });
    const asked = Array.from({ length: 6 }, () => argon2id.hash(job));
    const settled = await Promise.allSettled(asked);
    expect(settled.map(({ status }) => status)).toEqual([...Array(5).fill('fulfilled'), 'rejected']);
    expect(settled[5]).toMatchObject({ reason: { code: 'WEB_BUSY', status: 503, retryable: true } });
    expect(most).toBe(1);
    await expect(argon2id.hash(job)).resolves.toHaveLength(32);
  });

  it('goes on after one that failed', async () => {
    let fails = true;
    const argon2id = new Argon2id(async (each) => {
      if (fails) throw new Error('no memory');
      return argon2InPlace(each);
    });
    await expect(argon2id.hash(job)).rejects.toThrow('no memory');
    fails = false;
    await expect(argon2id.hash(job)).resolves.toHaveLength(32);
  });
});

describe('a hash in PHC form', () => {
  it('is what a password is kept as, another one each time', async () => {
    const passwords = cheapPasswords();
    const [first, second] = await Promise.all([passwords.hash('secret'), passwords.hash('secret')]);
    expect(first).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(first).not.toBe(second);
    const signIn = { username: 'ann', realm, password: 'secret' };
    expect(await passwords.verify(first, signIn)).toEqual({ isRight: true });
    expect(await passwords.verify(first, { ...signIn, password: 'Secret' })).toEqual({ isRight: false });
  });

  it('is taken from elsewhere, at another cost', async () => {
    // As the tool of the reference implementation prints it.
    const foreign = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
    const signIn = { username: 'ann', realm, password: 'password' };
    expect(await cheapPasswords().verify(foreign, signIn)).toEqual({ isRight: true });
  });

  it.each([
    '$argon2id$v=19$m=65537,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=19$m=65536,t=5,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=19$m=256,t=1,p=200$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=19$m=256,t=2,p=1$$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
  ])('is not what is something else, or costs a device too much: %s', (text) => {
    expect(parsePhc(text)).toBeUndefined();
  });
});

describe('the check of a password', () => {
  it('costs the same for a user that there is not, and for one of old', async () => {
    const costs: number[] = [];
    const passwords = cheapPasswords((each) => {
      costs.push(each.cost.memory * each.cost.passes);
      return argon2InPlace(each);
    });
    const known = await passwords.hash('password');
    const old = 'SHA256:11c66702489123a02c7dd0860e47fc4989bb0805ba5835fbbb36f316ec83eb83';
    costs.length = 0;
    const signIn = { username: 'alice', realm, password: 'wrong' };
    for (const hash of [undefined, '', known, old])
      expect((await passwords.verify(hash, signIn)).isRight).toBe(false);
    expect(costs).toEqual([8, 8, 8, 8]);
    const right = await passwords.verify(old, { ...signIn, password: 'password' });
    expect(right).toMatchObject({ isRight: true, upgraded: expect.stringMatching(/^\$argon2id\$/) });
    expect(costs).toHaveLength(5);
  });

  it('makes a weak hash of today’s kind anew, and refuses what is empty or endless at once', async () => {
    const weak = '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$';
    const hash = (await argon2InPlace({ ...job })).toString('base64').replace(/=+$/, '');
    const signIn = { username: 'ann', realm, password: 'password' };
    const { Passwords } = await import('./password.ts');
    const passwords = new Passwords(new Argon2id(argon2InPlace), { ...cost, passes: 2 });
    const { upgraded = '' } = await passwords.verify(`${weak}${hash}`, signIn);
    expect(upgraded).toMatch(/,t=2,/);
    expect(await passwords.verify(upgraded, signIn)).toEqual({ isRight: true });
    for (const password of ['', 'x'.repeat(1025)]) {
      expect(await passwords.verify(upgraded, { ...signIn, password })).toEqual({ isRight: false });
    }
  });
});

describe('a password that somebody wants to have', () => {
  it.each([
    ['short', /10 characters/],
    ['ä'.repeat(600), /1024 bytes/],
    ['Password123', /tried first/],
    ['abababababab', /5 different/],
    ['jt08ffqxwq-1', undefined],
    ['JT08FFQXWQ', /name of the device/],
    ['correct horse', undefined],
  ])('%s', (password, fault) => {
    const found = faultOfPassword(password, ['jt08ffqxwq']);
    if (fault) expect(found).toMatch(fault);
    else expect(found).toBeUndefined();
  });
});
