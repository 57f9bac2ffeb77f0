import { describe, expect, it } from 'vitest';
import { makeSettings } from '../../../config-loading/settings.ts';
import { compileRoles, USUAL_ROLES } from '../auth/roles.ts';
import { compileRoutes } from './compile-routes.ts';
import { matchRoute } from './route.ts';

type Settings = Parameters<typeof compileRoutes>[0][number];
const { web } = makeSettings({}, () => 'web.json5');
const complain = (path: string[], problem: string) => new Error(`${path.join('.')}: ${problem}`);
const compile = (...routes: Partial<Settings>[]) =>
  compileRoutes(
    routes.map((route) => ({ match: '', handler: 'file' as const, compressed: false, limits: {}, ...route })),
    { web, roles: compileRoles(USUAL_ROLES, complain) },
    complain,
  );

describe('the routes of web.json5', () => {
  it('match all below a path that ends in a slash, that path alone without, the first that does', () => {
    const routes = compile({ match: '/api/' }, { match: '/api' }, { match: '/' }, { match: '/a/' });
    const found = (path: string) => routes.indexOf(matchRoute(routes, path) as never);
    expect(['/api/x', '/api', '/api2', '/', '/a/b'].map(found)).toEqual([0, 1, 4, 2, 3]);
  });

  it('end with the documents, unless one matches everything', () => {
    expect(compile({ match: '/a' })).toHaveLength(2);
    expect(compile({ match: '/a' }, {})).toHaveLength(2);
  });

  it('answer HEAD where they answer GET', () => {
    const [route] = compile({ methods: ['get', 'PUT'] });
    expect(route?.allow).toBe('GET, PUT, HEAD');
    expect([...(compile({ methods: ['DELETE'] })[0]?.methods ?? [])]).toEqual(['DELETE']);
    expect([...(compile({ methods: ['GET', 'TRACE'] })[0]?.methods ?? [])]).toEqual(['GET', 'HEAD']);
  });

  it('say how long browsers may keep their files, by their endings', () => {
    const cache = { maxAge: 3_600_000, directives: 'public', extensions: ['css', '.JS'] };
    const [route] = compile({ cache });
    expect(['a.css', 'b.js', 'c.html'].map((file) => route?.cacheControl(file))).toEqual([
      'max-age=3600, public',
      'max-age=3600, public',
      undefined,
    ]);
    expect(compile({})[0]?.cacheControl('a.css')).toBeUndefined();
    expect(compile({ cache: { maxAge: 0, directives: 'private' } })[0]?.cacheControl('a')).toBe('private');
  });

  it.each([
    [{ match: 'api' }, 'routes.0.match'],
    [{ match: '/a/../b' }, 'routes.0.match'],
    [{ match: '/a?b' }, 'routes.0.match'],
    [{ match: '/%41' }, 'routes.0.match'],
    [{ match: '/a/', trim: '/b' }, 'routes.0.trim'],
    [{ methods: ['CONNECT'] }, 'routes.0.methods'],
  ])('%j is refused', (route, where) => {
    expect(() => compile(route)).toThrow(where);
  });
});
