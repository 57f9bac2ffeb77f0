import { describe, expect, it } from 'vitest';
import { SERVICE_MODULES } from './service-modules.ts';
import { planServices, SERVICE_TABLE } from './service-table.ts';

const WHOLE: ReadonlySet<string> = new Set(Object.keys(SERVICE_MODULES));

describe('the plan of services', () => {
  it('runs everything for a device that names no service', () => {
    const { on, warnings } = planServices({ serialize: 'auto' }, WHOLE);
    expect([...on]).toEqual(SERVICE_TABLE.map(({ name }) => name));
    expect(warnings).toEqual([]);
  });

  it('runs what is named, and nothing else', () => {
    const { on } = planServices({ serialize: 'none', web: true, database: true, mqtt: false }, WHOLE);
    expect([...on].sort()).toEqual(['database', 'web']);
  });

  it('forces on what another needs, and what that needs in turn, with a warning each', () => {
    const { on, warnings } = planServices({ serialize: 'auto', sync: true }, WHOLE);
    expect([...on].sort()).toEqual([
      'certificates',
      'database',
      'metrics',
      'mqtt',
      'provision',
      'register',
      'serialize',
      'sync',
      'url',
    ]);
    expect(warnings).toContain('the service sync needs mqtt: it was switched on');
    expect(warnings).toContain('the service provision needs url: it was switched on');
    expect(warnings).toHaveLength(5);
  });

  it('runs what is a part of another with it, for a device that says nothing of it', () => {
    const field = { serialize: 'auto', mqtt: true, provision: true, register: true, url: true };
    expect(planServices(field, WHOLE)).toMatchObject({ warnings: [] });
    expect(planServices(field, WHOLE).on).toContain('metrics');
    expect(planServices({ ...field, metrics: false }, WHOLE).on).not.toContain('metrics');
    expect(planServices({ serialize: 'auto', web: true }, WHOLE).on).not.toContain('metrics');
    expect(planServices({ serialize: 'auto', metrics: true }, WHOLE).on).toContain('mqtt');
  });

  it('warns once of a service that this build does not contain, when it is on', () => {
    const { on, warnings } = planServices(
      { serialize: 'auto', web: true, shadow: true, keys: false, telepathy: 'on' },
      new Set(['serialize', 'web', 'url']),
    );
    expect([...on].sort()).toEqual(['serialize', 'web']);
    expect(warnings).toEqual([
      'this build does not contain the service shadow: it stays off',
      'this build does not contain the service telepathy: it stays off',
    ]);
    const unnamed = planServices({ serialize: 'auto' }, new Set(['serialize', 'web']));
    expect([...unnamed.on]).toEqual(['serialize', 'web']);
    expect(unnamed.warnings).toEqual([]);
  });

  it('lists what a service needs before it', () => {
    SERVICE_TABLE.forEach(({ needs }, index) => {
      const before = SERVICE_TABLE.slice(0, index).map(({ name }) => name);
      expect(before).toEqual(expect.arrayContaining([...needs]));
    });
  });
});
