import { describe, expect, it } from 'vitest';
import { compileRoles, may, USUAL_ROLES } from './roles.ts';

const complain = (path: string[], problem: string) => new Error(`${path.join('.')}: ${problem}`);

describe('roles of web.json5', () => {
  it('inherit what those that they name may, and theirs in turn', () => {
    const roles = compileRoles({ user: ['read'], admin: ['user', 'write'], owner: ['admin'] }, complain);
    expect(['read', 'write', 'user', 'admin', 'owner'].map((each) => may(roles, 'owner', each))).toEqual(
      Array(5).fill(true),
    );
    expect(['write', 'admin', 'owner'].map((each) => may(roles, 'user', each))).toEqual(Array(3).fill(false));
    expect(may(roles, 'read', 'read')).toBe(false);
  });

  it('that are a list may all that those before them may', () => {
    const roles = compileRoles(['user', 'admin'], complain);
    expect([may(roles, 'admin', 'user'), may(roles, 'user', 'admin')]).toEqual([true, false]);
    const usual = compileRoles(USUAL_ROLES, complain);
    expect([may(usual, 'super', 'public'), may(usual, 'user', 'owner')]).toEqual([true, false]);
  });

  it.each<[Record<string, string[]>, RegExp]>([
    [{ a: ['b'], b: ['c'], c: ['a'] }, /auth\.roles\.a: inherits itself, by a > b > c > a/],
    [{ a: ['a'] }, /inherits itself/],
    [{ 'a b': [] }, /"a b" is no name/],
    [{ a: [''] }, /"" is no name/],
  ])('%j are refused', (roles, problem) => {
    expect(() => compileRoles(roles, complain)).toThrow(problem);
  });
});
