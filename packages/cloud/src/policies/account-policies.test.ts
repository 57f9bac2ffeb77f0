import { type Logger, silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempStore } from '../platform/embedded/temp-store.fixture.ts';
import { AccountPolicies } from './account-policies.ts';
import { attachmentKey, type PolicyTarget, policyKey } from './policy-item.ts';
import { RightsOfDevices } from './rights-of-devices.ts';

let temporary: Awaited<ReturnType<typeof tempStore>>;
let policies: AccountPolicies;
let clock: VirtualClock;
let changed: string[];
let here: string;
const region = () => here;
let errors: string[];

beforeEach(async () => {
  temporary = await tempStore();
  changed = [];
  here = 'local';
  clock = new VirtualClock();
  errors = [];
  const logger: Logger = {
    ...silentLogger,
    error: (facts: unknown) => void errors.push(JSON.stringify(facts)),
  };
  const onChange = (accountId: string) => void changed.push(accountId);
  policies = new AccountPolicies({ store: temporary.store, clock, logger, onChange, region });
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

  it('deny everything once the cloud has another region than they name: what they deny would be allowed', async () => {
    const Statement = { Effect: 'Deny', Action: 'iot:Connect', Resource: 'arn:aws:iot:local:*:client/*' };
    await put('A', 'old', { Version: '2012-10-17', Statement });
    await attach('A', 'old', LAMP);
    here = 'elsewhere';
    const [old] = (await policies.know('A')).policiesOf([LAMP]).values();
    expect(old?.document.Statement).toMatchObject([{ Effect: 'Deny', Action: '*' }]);
    expect(errors).toEqual([expect.stringContaining('names the region')]);
  });
});

describe('the rights of a device', () => {
  it('follow the policies for as long as it is connected, however long, and an hour more', async () => {
    const rightsOf = new RightsOfDevices({ policies, region, clock });
    const rights = await rightsOf.of({ deviceId: 'LAMP', accountId: 'A' });
    rightsOf.use('A');
    await clock.advance(3 * 3_600_000);
    await rightsOf.of({ deviceId: 'DOOR', accountId: 'B' });
    await put('A', 'out', { ...DOCUMENT, Statement: { ...DOCUMENT.Statement, Effect: 'Deny' } });
    await attach('A', 'out', LAMP);
    await until('the denial', () => !rights.mayConnect());
    rightsOf.leave('A');
    await clock.advance(3_600_001);
    await rightsOf.of({ deviceId: 'DOOR', accountId: 'C' });
    expect(policies.get('A')).toBeUndefined();
  });

  it('to publish are not left by way of basic ingest when a policy denies the topic that it stands for', async () => {
    const topic = 'ioto/service/LAMP/test/ping';
    const rights = await new RightsOfDevices({ policies, region, clock }).of({
      deviceId: 'LAMP',
      accountId: 'A',
    });
    const both = () => [topic, `$aws/rules/IotoDevice/${topic}`].map((each) => rights.mayPublish(each));
    expect(both()).toEqual([true, true]);
    const Statement = {
      Effect: 'Deny',
      Action: 'iot:Publish',
      Resource: 'arn:aws:iot:*:*:topic/ioto/service/*',
    };
    await put('A', 'quiet', { Version: '2012-10-17', Statement });
    await attach('A', 'quiet', LAMP);
    await until('the denial', () => !rights.mayPublish(topic));
    expect(both()).toEqual([false, false]);
  });
});
