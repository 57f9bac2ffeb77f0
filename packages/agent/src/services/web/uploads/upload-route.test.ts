import { mkdir, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { WebWorld } from '../web-world.fixture.ts';

const routes = [{ match: '/in/', trim: '/in', handler: 'upload' }];
const desk = () => WebWorld.create({ files: { 'a.txt': 'a' }, web: { routes } });

function form(...files: [name: string, content: string][]) {
  const parts = files.map(
    ([name, content]) =>
      `--b\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\n${content}\r\n`,
  );
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: `${parts.join('')}--b--\r\n`,
  };
}

describe('a route of uploads', () => {
  it('puts a body into the documents, as the file at its path', async () => {
    await using web = await desk();
    expect((await web.send('PUT', '/in/sub/b.txt', { body: 'b' })).status).toBe(201);
    expect((await web.send('POST', '/in/sub/b.txt', { body: 'c' })).status).toBe(204);
    expect((await web.get('/sub/b.txt')).text).toBe('c');
    expect((await web.get('/in/sub/b.txt')).text).toBe('c');
    expect((await web.send('POST', '/in/sub', { body: 'c' })).status).toBe(409);
    expect((await web.get('/in/sub/b.txt', {}, 'DELETE')).status).toBe(405);
    expect(web.warnings).toHaveLength(1);
  });

  it('puts the files of a form into the directory at its path', async () => {
    await using web = await desk();
    expect((await web.send('POST', '/in/sub/', form(['x.txt', 'x'], ['../../y z.txt', 'y']))).status).toBe(
      201,
    );
    expect((await web.get('/sub/y%20z.txt')).text).toBe('y');
    expect((await web.send('POST', '/in/sub/', form(['x.txt', 'xx']))).status).toBe(204);
    expect((await web.send('POST', '/in/one.txt', form(['x.txt', 'one']))).status).toBe(201);
    expect((await web.get('/one.txt')).text).toBe('one');
    expect(await readdir(web.directory.at('site', 'sub'))).toEqual(['x.txt', 'y z.txt']);
  });

  it('puts no file where another route asks for a role, by the name in a form', async () => {
    const guarded = [
      { match: '/in/secret.txt', role: 'user' },
      { match: '/in/', handler: 'upload' },
    ];
    const before = async (state: WebWorld['directory']) => void (await mkdir(state.at('site', 'in')));
    await using web = await WebWorld.create({ web: { routes: guarded }, before });
    const files = form(['a.txt', 'a'], ['secret.txt', 'mine']);
    expect((await web.send('POST', '/in/', files)).status).toBe(403);
    expect((await web.send('POST', '/in/', form(['secret.txt.gz', 'mine']))).status).toBe(403);
    expect(await readdir(web.directory.at('site', 'in'))).toEqual([]);
    expect((await web.send('POST', '/in/', form(['a.txt', 'a']))).status).toBe(201);
  });

  it.each<[string, string, Parameters<typeof form>, number]>([
    [
      'a name that hides',
      '/in/',
      [
        ['b.txt', 'b'],
        ['.htaccess', 'x'],
      ],
      400,
    ],
    [
      'a directory in the way',
      '/in/',
      [
        ['b.txt', 'b'],
        ['sub', 'x'],
      ],
      409,
    ],
    [
      'two of one name',
      '/in/',
      [
        ['b.txt', 'b'],
        ['b.txt', 'x'],
      ],
      409,
    ],
    [
      'two for one path',
      '/in/b.txt',
      [
        ['b.txt', 'b'],
        ['c.txt', 'x'],
      ],
      409,
    ],
    ['no such directory', '/in/none/', [['b.txt', 'b']], 409],
    ['no file', '/in/', [], 400],
  ])('takes none of the files of a form with %s', async (_what, path, files, status) => {
    await using web = await desk();
    expect((await web.send('POST', path, form(...files))).status).toBe(status);
    expect(await readdir(web.directory.at('site'))).toEqual(['a.txt', 'sub']);
  });
});
