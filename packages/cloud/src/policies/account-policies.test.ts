import { type Logger, silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { AccountPolicies } from './account-policies.ts';
import { attachmentKey, type PolicyTarget, policyKey } from './policy-item.ts';

let temporary: Awaited<ReturnType<typeof tempStore>>;
let policies: AccountPolicies;
let changed: string[];
let errors: string[];

beforeEach(async () => {
  temporary = await tempStore();
  changed = [];
  errors = [];
  const logger: Logger = {
    ...silentLogger,
    error: (facts: unknown) => void errors.push(JSON.stringify(facts)),
  };
  const onChange = (accountId: string) => void changed.push(accountId);
  policies = new AccountPolicies({ store: temporary.store, clock: new VirtualClock(), logger, onChange });
  await policies.start();
});
afterEach(async () => {
  await policies.stop();
  await temporary[Symbol.asyncDispose]();
});

const DOCUMENT = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'iot:*', Resource: '*' } };

const put = (accountId: string, name: string, document: unknown = DOCUMENT) =>
  temporary.store.write([{ put: { ...policyKey(accountId, name), name, accountId, document } }]);
const attach = (accountId: string, name: string, target: PolicyTarget) =>
  temporary.store.write([{ put: { ...attachmentKey(accountId, target, name), name, target } }]);
const detach = (accountId: string, name: string, target: PolicyTarget) =>
  temporary.store.write([{ remove: attachmentKey(accountId, target, name) }]);
const LAMP: PolicyTarget = { device: 'LAMP' };

async function namesOf(accountId: string, targets: PolicyTarget[]): Promise<string[]> {
  return [...(await policies.know(accountId)).policiesOf(targets).keys()].sort();
}

describe('the policies of an account', () => {
  it('hold for a device by what it is, each once, and not for its neighbours', async () => {
    for (const name of ['one', 'kind', 'all', 'idle']) await put('A', name);
    await attach('A', 'one', LAMP);
    await attach('A', 'kind', { product: 'P' });
    await attach('A', 'kind', LAMP);
    await attach('A', 'all', { account: true });
    const every: PolicyTarget[] = [LAMP, { product: 'P' }, { account: true }];
    expect(await namesOf('A', every)).toEqual(['all', 'kind', 'one']);
    expect(await namesOf('A', [{ device: 'DOOR' }, { account: true }])).toEqual(['all']);
    expect(await namesOf('B', every)).toEqual([]);
  });

  it('follow the store from then on, and say so', async () => {
    await put('A', 'one');
    const book = await policies.know('A');
    await attach('A', 'one', LAMP);
    await until('the attachment', () => book.policiesOf([LAMP]).size === 1);
    const { version } = book;
    await put('A', 'one', { ...DOCUMENT, Statement: { ...DOCUMENT.Statement, Effect: 'Deny' } });
    await until('the other document', () => book.version > version);
    await detach('A', 'one', LAMP);
    await until('the detachment', () => book.policiesOf([LAMP]).size === 0);
    expect(new Set(changed)).toEqual(new Set(['A']));
  });

  it('of nobody who asked are not read, and nobody is told of them', async () => {
    await policies.know('A');
    await put('B', 'one');
    await put('A', 'one');
    await until('the own', () => changed.length > 0);
    expect(changed).toEqual(['A']);
    expect(policies.size).toBe(1);
  });

  it('that cannot be read deny everything, and the log says which', async () => {
    await put('A', 'torn', { Version: '2031-01-01', Statement: [] });
    await attach('A', 'torn', LAMP);
    const [torn] = (await policies.know('A')).policiesOf([LAMP]).values();
    expect(torn?.document.Statement).toMatchObject([{ Effect: 'Deny', Action: '*' }]);
    expect(errors).toEqual([expect.stringContaining('"policy":"torn"')]);
  });
});
