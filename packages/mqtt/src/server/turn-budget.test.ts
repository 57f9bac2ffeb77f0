import { settle } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import { TurnBudget } from './turn-budget.ts';

it('beyond the budget of a turn everybody waits, and goes on in the order of arrival', async () => {
  const budget = new TurnBudget(100);
  const went: string[] = [];
  const come = (name: string) => {
    if (budget.take(60, () => went.push(name))) went.push(`${name} at once`);
  };
  for (const name of ['a', 'b', 'c', 'd', 'e']) come(name);
  expect(went).toEqual(['a at once', 'b at once']);
  await settle(1);
  come('f');
  expect(went.slice(2)).toEqual(['c', 'd']);
  await settle(1);
  expect(went.slice(4)).toEqual(['e', 'f']);
  await settle(3);
  come('g');
  expect(went.slice(6)).toEqual(['g at once']);
});
