import { describe, expect, it } from 'vitest';
import { Directory } from '../../../test/world.ts';
import { loadConfig, locateDirectories } from '../../config-loading/load-config.ts';
import { entriesOf } from './entry.ts';

const NOON = Date.UTC(2026, 2, 1, 12);

async function entriesFor(files: Record<string, unknown>[], keepsApart = true, device = {}) {
  await using directory = await Directory.create();
  const options = { state: directory.path, settings: { logs: { files }, device } };
  const { settings } = await loadConfig(options, await locateDirectories(options));
  return entriesOf({ settings, id: 'ID12345678', keepsApart: () => keepsApart });
}

describe('an entry of logs.files', () => {
  it('names group and stream by what is filled in, without what may not stand there', async () => {
    const stream = '${deviceId}/{product}:{model}-{date}-{filename}';
    const [entry] = await entriesFor([{ path: '/var/log/a.log', group: 'my {product}', stream }], true, {
      product: 'LAMP',
      model: 'x*',
    });
    const { until, ...target } = entry?.target(NOON, '/var/log/a.log') ?? {};
    expect(target).toEqual({ group: 'my_LAMP', stream: 'ID12345678/LAMP_x_-2026-03-01-a.log' });
    expect(until).toBe(Date.UTC(2026, 2, 2));
  });

  it('begins its stream with the ID of the device where the cloud keeps devices apart by that', async () => {
    const files = [{ path: 'a', stream: 'lamp' }, { path: 'a', stream: '{id}0' }, { path: 'a' }];
    const names = async (apart: boolean) =>
      (await entriesFor(files, apart)).map((entry) => entry.target(NOON, '/a').stream);
    expect(await names(true)).toEqual(['ID12345678-lamp', 'ID12345678-ID123456780', 'ID12345678-a']);
    expect(await names(false)).toEqual(['lamp', 'ID123456780', 'ID12345678-a']);
  });

  it('is left alone when it is not enabled', async () => {
    expect(await entriesFor([{ enable: false }, { path: 'a' }])).toHaveLength(1);
  });

  it.each([
    [{}, /logs\.files\[0\]: name one of path, command and journald/],
    [{ path: 'a', command: 'b' }, /name one of/],
    [{ path: 'a', stream: '{host}' }, /logs\.files\[0\]\.stream: there is no \{host\}; it may hold \{id\}/],
    [{ path: 'a', continuation: '/(/' }, /logs\.files\[0\]\.continuation: .*expression/],
    [{ path: 'a', continuation: '→' }, /logs\.files\[0\]\.continuation: letters/],
  ])('is refused as %j, with what is wrong', async (file, problem) => {
    const refusal = await entriesFor([file]).catch((error) => error);
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(refusal.message)).toMatch(problem);
  });
});
