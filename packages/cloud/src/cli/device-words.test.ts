import { describe, expect, it } from 'vitest';
import { deviceCommands } from './cloud-commands.ts';

const at = '2026-01-01T00:00:02.000Z';
const since = '2026-01-01T00:00:01.000Z';

describe('ioto-cloud device show', () => {
  const show = deviceCommands.find(({ usage }) => usage.startsWith('show'));
  const said = (facts: object) => {
    const [telling] = [show?.tell({ id: 'D1', name: 'Lamp', ...facts }, [])].flat();
    return telling?.text.split('\n');
  };

  it('says in words whether the cloud has what the device has', () => {
    const sync = { through: 9, latest: 12, at, lost: {} };
    expect(said({ sync: { ...sync, pending: 0, checked: since } })).toEqual([
      'name       Lamp',
      `sync       in step at ${at}`,
      'confirmed  through 9 of 12, the latest that the device told of',
      `compared   ${since}, and found the same`,
    ]);
    expect(said({ sync: { ...sync, pending: 1, since } })).toContain(
      `sync       1 change waits since ${since}`,
    );
    const lossy = said({ sync: { ...sync, pending: 12, since, lost: { Log: 3, Reading: 1, Store: 0 } } });
    expect(lossy).toContain(`sync       12 changes wait since ${since}`);
    expect(lossy).toContain('given up   3 of Log, 1 of Reading');
  });

  it('says which certificates it has, how its last connection ended, and which limits it exceeded', () => {
    const certificates = [
      { serial: 'aa', state: 'in use', issued: since, expires: at, used: since },
      { serial: 'bb', state: 'replaced', issued: since, expires: at },
    ];
    const limits = { rate: { count: 2, last: since, detail: 'too fast' } };
    const endpoint = { lastDisconnect: { at, reason: 'CONNECTION_LOST' }, limits };
    expect(said({ certificates, endpoint })).toEqual([
      'name          Lamp',
      `disconnected  ${at}, CONNECTION_LOST`,
      `limit         rate: exceeded 2 times, the last at ${since}`,
      `certificate   aa, in use, until ${at}, first used ${since}`,
      `certificate   bb, replaced, until ${at}, never used`,
    ]);
  });
});
