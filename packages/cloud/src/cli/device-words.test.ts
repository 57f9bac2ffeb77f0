import { expect, it } from 'vitest';
import { deviceCommands } from './cloud-commands.ts';

it('ioto-cloud device show says in words whether the cloud has what the device has', () => {
  const at = '2026-01-01T00:00:02.000Z';
  const since = '2026-01-01T00:00:01.000Z';
  const show = deviceCommands.find(({ usage }) => usage.startsWith('show'));
  const said = (sync: object) => JSON.stringify(show?.tell({ id: 'D1', name: 'Lamp', sync }, []));
  const sync = { through: 9, latest: 9, at, lost: {} };
  expect(said({ ...sync, pending: 0 })).toContain(`Lamp, in step at ${at}`);
  expect(said({ ...sync, pending: 1, since })).toContain(`1 change waits since ${since}`);
  expect(said({ ...sync, pending: 12, since, lost: { Log: 3 } })).toContain(
    `12 changes wait since ${since}, 3 lost`,
  );
});
