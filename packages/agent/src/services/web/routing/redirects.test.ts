import { describe, expect, it } from 'vitest';
import { type Asked, compileRedirects } from './redirects.ts';

type Rule = { from?: string; to: string; status: 301 | 302 | 303 | 307 | 308 };
const complain = (path: string[], problem: string) => new Error(`${path.join('.')}: ${problem}`);
const compile = (...rules: { from?: string; to: string; status?: Rule['status'] }[]) =>
  compileRedirects(
    rules.map((rule) => ({ status: 302, ...rule })),
    complain,
  );

const asked = (url: string): Asked => {
  const { protocol, host, pathname, search } = new URL(url);
  return { secure: protocol === 'https:', host, path: pathname, query: search };
};

describe('a redirect of web.json5', () => {
  it.each([
    ['http', 'https://', 'http://lamp.local/a?b=1', 'https://lamp.local/a?b=1'],
    ['http', 'https://:8443', 'http://lamp.local:8080/a', 'https://lamp.local:8443/a'],
    ['http://:80', 'https', 'http://lamp.local/', 'https://lamp.local/'],
    ['http', 'https://', 'https://lamp.local/a', undefined],
    ['http://:80', 'https://', 'http://lamp.local:8080/', undefined],
    ['/old', '/new', 'http://lamp.local:8080/old?x', 'http://lamp.local:8080/new?x'],
    ['/old', '/new', 'http://lamp.local/old/', undefined],
    ['/old/', '/new', 'http://lamp.local/old/deep', 'http://lamp.local/new'],
    ['/', '/home?first', 'http://lamp.local/', 'http://lamp.local/home?first'],
    ['/', '/home', 'http://lamp.local/x', undefined],
    ['example.com', 'https://www.example.com', 'http://example.com/a', 'https://www.example.com/a'],
    ['example.com', 'https://www.example.com', 'http://other.com/a', undefined],
    ['', 'https://elsewhere.example/x', 'http://[::1]:8080/a', 'https://elsewhere.example/x'],
    [':8080', 'http://:80', 'http://[::1]:8080/a', 'http://[::1]/a'],
  ])('from %j to %j answers %s with %s', (from, to, url, location) => {
    expect(compile({ from, to })(asked(url))?.location).toBe(location);
  });

  it('goes by the port that was asked, and leads to the public name of the device', () => {
    const find = compile({ from: 'http://:80', to: 'https://' }, { from: '/old', to: '/new' });
    const name = 'lamp.example:8443';
    expect(find({ ...asked('http://192.0.2.1/a'), name })?.location).toBe('https://lamp.example:8443/a');
    expect(find({ ...asked('http://192.0.2.1:8181/a'), name })).toBeUndefined();
    expect(find({ ...asked('https://192.0.2.1:8182/old'), name })?.location).toBe(
      'https://lamp.example:8443/new',
    );
  });

  it('is the first that fits, with its own status', () => {
    const find = compile({ from: '/a', to: '/b', status: 301 }, { from: '/a', to: '/c' });
    expect(find(asked('http://x/a'))).toEqual({ status: 301, location: 'http://x/b' });
  });

  it.each([
    [{ from: 'ftp://x', to: '/a' }, 'redirect.0.from'],
    [{ from: '/a?b', to: '/c' }, 'redirect.0.from'],
    [{ from: '/a', to: 'no url' }, 'redirect.0.to'],
    [{ from: '/a', to: 'http://x:99999/' }, 'redirect.0.to'],
    [{ to: 'https://' }, 'redirect.0.to'],
    [{ to: '/login' }, 'redirect.0.to'],
    [{ from: '/a/', to: '/a/b' }, 'redirect.0.to'],
    [{ from: 'https', to: 'https://:443' }, 'redirect.0.to'],
  ])('%j is refused', (rule, where) => {
    expect(() => compile(rule)).toThrow(where);
  });
});
