import { describe, expect, it } from 'vitest';
import { planServices, SERVICE_TABLE } from './service-table.ts';

describe('the plan of services', () => {
  it('runs everything for a device that names no service', () => {
    const { on, warnings } = planServices({ serialize: 'auto' });
    expect([...on]).toEqual(SERVICE_TABLE.map(({ name }) => name));
    expect(warnings).toEqual([]);
  });

  it('runs what is named, and nothing else', () => {
    const { on } = planServices({ serialize: 'none', web: true, database: true, mqtt: false });
    expect([...on].sort()).toEqual(['database', 'web']);
  });

  it('forces on what another needs, and what that needs in turn, with a warning each', () => {
    const { on, warnings } = planServices({ serialize: 'auto', sync: true });
    expect([...on].sort()).toEqual(['database', 'mqtt', 'provision', 'register', 'serialize', 'sync', 'url']);
    expect(warnings).toContain('the service sync needs mqtt: it was switched on');
    expect(warnings).toContain('the service provision needs url: it was switched on');
    expect(warnings).toHaveLength(5);
  });

  it('warns once of a service that this build does not contain, when it is on', () => {
    const { warnings } = planServices({
      serialize: 'auto',
      web: true,
      shadow: true,
      keys: false,
      logs: 'on',
    });
    expect(warnings).toEqual([
      'this build does not contain the service shadow: it stays off',
      'this build does not contain the service logs: it stays off',
    ]);
  });

  it('lists what a service needs before it', () => {
    SERVICE_TABLE.forEach(({ needs }, index) => {
      const before = SERVICE_TABLE.slice(0, index).map(({ name }) => name);
      expect(before).toEqual(expect.arrayContaining([...needs]));
    });
  });
});
