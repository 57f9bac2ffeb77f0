import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { cookieName, readCookie, writeCookie } from './cookie.ts';
import { SessionTable } from './session-table.ts';

const HOUR = 3_600_000;
const ann = { username: 'ann', role: 'admin' };

function table(sessions = 3) {
  const clock = new VirtualClock();
  return { clock, table: new SessionTable({ sessions, idle: HOUR, lifetime: 12 * HOUR }, clock) };
}

describe('a session', () => {
  it('ends when it is not used, and after its whole time however much it is', async () => {
    const { clock, table: sessions } = table();
    const { id = '' } = sessions.open(ann) ?? {};
    for (let hour = 0; hour < 13; hour += 1) {
      await clock.advance(HOUR - 1);
      if (hour < 12) expect(sessions.find(id), String(hour)).toMatchObject(ann);
    }
    expect(sessions.find(id)).toBeUndefined();
    const second = sessions.open(ann);
    await clock.advance(HOUR);
    expect(sessions.find(second?.id ?? '')).toBeUndefined();
    expect(sessions.size).toBe(0);
  });

  it('gets another ID when somebody signs in, so that one that was planted is worth nothing', () => {
    const { table: sessions } = table();
    const visitor = sessions.open();
    visitor?.values.set('cart', 1);
    const signedIn = sessions.signIn(visitor, ann);
    expect(signedIn?.id).not.toBe(visitor?.id);
    expect(signedIn?.xsrf).not.toBe(visitor?.xsrf);
    expect(signedIn?.values.get('cart')).toBe(1);
    expect(sessions.find(visitor?.id ?? '')).toBeUndefined();
  });

  it('is never displaced by visitors once somebody has signed in; they displace each other', () => {
    const { table: sessions } = table(2);
    const first = sessions.open(ann);
    const visitor = sessions.open();
    expect(sessions.open()).toBeDefined();
    expect(sessions.find(visitor?.id ?? '')).toBeUndefined();
    expect(sessions.find(first?.id ?? '')).toMatchObject(ann);
    expect(sessions.open({ ...ann, username: 'ben' })).toBeDefined();
    expect(sessions.open()).toBeUndefined();
  });

  it('keeps what it holds from the next user of the browser', () => {
    const { table: sessions } = table();
    const mine = sessions.open(ann);
    mine?.values.set('draft', 'secret');
    expect(sessions.signIn(mine, { ...ann, username: 'ben' })?.values.size).toBe(0);
    const again = sessions.signIn(sessions.open(ann, new Map([['draft', 1]])), ann);
    expect(again?.values.get('draft')).toBe(1);
  });

  it('makes room for another user where one has several, and never where each has one', () => {
    const { table: sessions } = table(3);
    const ids = [ann, ann, { ...ann, username: 'ben' }].map((who) => sessions.open(who)?.id ?? '');
    expect(sessions.open({ ...ann, username: 'cat' })).toBeDefined();
    expect(ids.map((id) => sessions.find(id)?.username)).toEqual([undefined, 'ann', 'ben']);
    expect(sessions.open({ ...ann, username: 'dan' })).toBeUndefined();
    expect(sessions.open(ann)).toBeDefined();
  });

  it('ends with the password that it was begun with', () => {
    const { table: sessions } = table();
    const [mine, other] = [sessions.open(ann), sessions.open({ ...ann, username: 'ben' })];
    sessions.endOf('ann');
    expect([sessions.find(mine?.id ?? ''), sessions.find(other?.id ?? '')?.username]).toEqual([
      undefined,
      'ben',
    ]);
  });
});

describe('its cookie', () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['s=1', '1'],
    ['a=2; s=1=x; b', '1=x'],
    ['xs=1', undefined],
    ['s=1; s=2', undefined],
    ['S=1', undefined],
  ])('of %j is %j', (header, value) => {
    expect(readCookie(header, 's')).toBe(value);
  });

  it('is for this host alone, and no script reads it', () => {
    const name = cookieName('-web-session-', true);
    expect(writeCookie('abc', { name, secure: true, sameSite: 'Lax' })).toBe(
      '__Host--web-session-=abc; Path=/; HttpOnly; SameSite=Lax; Secure',
    );
    expect(writeCookie('', { name: 's', secure: false, sameSite: 'Strict' })).toContain('Max-Age=0');
    expect(cookieName('__Host-mine', true)).toBe('__Host-mine');
  });
});
