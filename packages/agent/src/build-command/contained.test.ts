import { expect, test } from 'vitest';
import { SERVICE_TABLE } from '../service-table.ts';
import { containedServices } from './contained.ts';

test('services that need no others are all that a build contains', () => {
  expect(containedServices(['web', 'database'])).toEqual({ services: ['database', 'web'], added: [] });
});

test('what a service needs comes with it, and what that needs too', () => {
  const { services, added } = containedServices(['sync']);
  expect(services).toEqual(['url', 'serialize', 'database', 'register', 'provision', 'mqtt', 'sync']);
  expect(added).toContainEqual({ name: 'mqtt', neededBy: 'sync' });
  expect(added).toContainEqual({ name: 'register', neededBy: 'provision' });
});

test('a device that registers is given an ID', () => {
  const { services, added } = containedServices(['shadow']);
  expect(services).toContain('serialize');
  expect(added).toContainEqual({ name: 'serialize', neededBy: 'register' });
});

test('what follows another by default is left out unless it is named', () => {
  expect(containedServices(['mqtt']).services).not.toContain('metrics');
});

test('whatever is named, everything that it needs is there, and starts before it', () => {
  for (const { name } of SERVICE_TABLE) {
    const { services } = containedServices([name]);
    for (const inner of services) {
      const needs = SERVICE_TABLE.find((row) => row.name === inner)?.needs ?? [];
      const before = services.slice(0, services.indexOf(inner));
      expect([inner, needs.filter((needed) => !before.includes(needed))]).toEqual([inner, []]);
    }
  }
});
