import { until } from '@ioto/testkit/until';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CloudWorld, heardBy, type WorldDevice } from '../websocket/cloud-world.fixture.ts';

let world: CloudWorld;
let accountId: string;
let door: WorldDevice;
let lamp: WorldDevice;

beforeAll(async () => {
  world = await CloudWorld.create();
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(async () => {
  accountId = await world.account();
  door = await world.device(accountId);
  lamp = await world.device(accountId);
});

const ARN = 'arn:aws:iot:*:*:';
const own = (rest: string) => `app/${accountId}/${rest}`;
const allow = (Action: string | string[], ...names: string[]) => ({
  ...{ Effect: 'Allow', Action },
  Resource: names.map((name) => ARN + name),
});
const deny = (Action: string, Resource: string, Condition?: object) => ({
  ...{ Effect: 'Deny', Action, Resource },
  ...(Condition ? { Condition } : {}),
});
/** All that a device may be allowed on the topics of its account. */
const everything = () =>
  allow(
    ['iot:Publish', 'iot:Subscribe', 'iot:Receive', 'iot:RetainPublish'],
    `topic/app/\${ioto:AccountId}/*`,
    `topicfilter/app/\${ioto:AccountId}/*`,
  );

async function call(verb: string, body: object): Promise<Record<string, unknown>> {
  const { status, json, text } = await world.admin(`/policy/${verb}`, { accountId, ...body });
  if (status >= 300) throw new Error(`${verb}: ${status} ${text}`);
  return json;
}

async function policy(name: string, statements: object[], target: object): Promise<void> {
  await call('create', { name, document: { Version: '2012-10-17', Statement: statements } });
  await call('attach', { name, ...target });
}

async function granted(client: MqttClient, filter: string): Promise<number | undefined> {
  const codes = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 0x80 }]);
  return codes[0]?.qos;
}

const gone = (client: MqttClient) => until('the connection to be closed', () => !client.connected);

describe('devices of one account', () => {
  it('speak to each other on its own topics once a policy allows it, and to no other account', async () => {
    const [a, b] = [await world.connectDevice(door), await world.connectDevice(lamp)];
    expect(await granted(b, own('#'))).toBe(0x80);
    await policy('talk', [everything()], { account: true });
    expect(await granted(b, own('#'))).toBe(1);
    const others = await world.account('Others');
    expect(await granted(b, `app/${others}/#`)).toBe(0x80);
    await a.publishAsync(own('door'), 'open', { qos: 1 });
    await until('the message', () => heardBy(b).length > 0);
    expect(heardBy(b)).toEqual([`${own('door')} open`]);
  });

  it('hear what one of them left behind, which nobody else may', async () => {
    await policy('talk', [everything()], { device: door.id });
    await policy('hear', [allow(['iot:Subscribe', 'iot:Receive'], 'topicfilter/*', 'topic/*')], {
      account: true,
    });
    const a = await world.connectDevice(door);
    await a.publishAsync(own('door'), 'open', { qos: 1, retain: true });
    const b = await world.connectDevice(lamp);
    await b.subscribeAsync(own('#'), { qos: 1 });
    await until('what was left', () => heardBy(b).length > 0);
    // The lamp may hear, and not say; nor may the door leave behind what it says by contract.
    b.publish(own('door'), 'shut', { qos: 1, retain: true });
    await gone(b);
    a.publish(`ioto/service/${door.id}/test/x`, '', { qos: 1, retain: true });
    await gone(a);
  });

  it('are heard by the tools of the account, which answer them', async () => {
    await policy('talk', [everything()], { account: true });
    const keys = await world.toolCredentials(accountId, { role: 'user' });
    const tool = await world.tool(keys, 'console');
    expect(await granted(tool, own('#'))).toBe(1);
    const device = await world.connectDevice(door);
    await device.subscribeAsync(own('commands'), { qos: 1 });
    await device.publishAsync(own('door'), 'open', { qos: 1 });
    await tool.publishAsync(own('commands'), 'shut', { qos: 1 });
    await until('both', () => heardBy(tool).length === 2 && heardBy(device).length === 1);
    expect(heardBy(device)).toEqual([`${own('commands')} shut`]);
  });
});

describe('a policy that denies', () => {
  it('to connect sends the device away at once, keeps it out, and lets it in again once it is gone', async () => {
    const [client, other] = [await world.connectDevice(door), await world.connectDevice(lamp)];
    await policy('out', [deny('iot:Connect', '*')], { device: door.id });
    await gone(client);
    await expect(world.connectDevice(door)).rejects.toThrow(/[Nn]ot authorized/);
    expect(other.connected).toBe(true);
    const { json } = await world.admin('/device/get', { id: door.id });
    expect(JSON.stringify(json)).toContain('iot:Connect');
    await call('detach', { name: 'out', device: door.id });
    expect((await world.connectDevice(door)).connected).toBe(true);
  });

  it('by address holds for those who come from there', async () => {
    const from = (range: string) => [deny('iot:Connect', '*', { IpAddress: { 'aws:SourceIp': range } })];
    await policy('elsewhere', from('192.0.2.0/24'), { account: true });
    const client = await world.connectDevice(door);
    const document = { Version: '2012-10-17', Statement: from('127.0.0.0/8') };
    await call('update', { name: 'elsewhere', document });
    await gone(client);
    await expect(world.connectDevice(door)).rejects.toThrow(/[Nn]ot authorized/);
  });

  it('holds for a device that came with a credential of its own', async () => {
    const url = await world.presigned(await world.deviceCredentials(door));
    const client = await world.client(url, door.id);
    await policy('out', [deny('iot:Connect', `${ARN}client/${door.id}`)], { account: true });
    await gone(client);
    await expect(
      world.client(await world.presigned(await world.deviceCredentials(door)), door.id),
    ).rejects.toThrow();
  });

  it('holds against the contract too: what the device says, and what it hears', async () => {
    await policy('quiet', [deny('iot:Publish', `${ARN}topic/ioto/service/*/test/*`)], { device: door.id });
    const client = await world.connectDevice(door);
    await client.publishAsync(`ioto/service/${door.id}/mqtt/metrics`, '{}', { qos: 1 });
    client.publish(`ioto/service/${door.id}/test/ping`, '', { qos: 1 });
    await gone(client);

    await policy('deaf', [deny('iot:Receive', `${ARN}topic/ioto/account/all/*`)], { device: lamp.id });
    const deaf = await world.connectDevice(lamp);
    await deaf.subscribeAsync(['ioto/account/all/#', `ioto/device/${lamp.id}/#`], { qos: 1 });
    const keys = await world.toolCredentials(accountId, { role: 'admin' });
    const tool = await world.tool(keys, 'console');
    await tool.publishAsync(`ioto/device/${lamp.id}/note`, 'heard', { qos: 1 });
    await until('the note', () => heardBy(deaf).length > 0);
    await call('update', {
      name: 'deaf',
      document: { Version: '2012-10-17', Statement: [deny('iot:Receive', `${ARN}topic/ioto/device/*/note`)] },
    });
    await tool.publishAsync(`ioto/device/${lamp.id}/note`, 'not heard', { qos: 1 });
    await tool.publishAsync(`ioto/device/${lamp.id}/other`, 'heard too', { qos: 1 });
    await until('the other', () => heardBy(deaf).length > 1);
    expect(heardBy(deaf)).toEqual([
      `ioto/device/${lamp.id}/note heard`,
      `ioto/device/${lamp.id}/other heard too`,
    ]);
  });

  it('follows the device to nobody else: another account that claims it has its own policies', async () => {
    await policy('out', [deny('iot:Connect', '*')], { device: door.id });
    await expect(world.connectDevice(door)).rejects.toThrow();
    await world.release(door.id);
    const other = await world.account('Other');
    const { json } = await world.admin('/device/claim', { id: door.id, accountId: other });
    expect(json.id).toBe(door.id);
    const answer = await world.admin('/policy/test', {
      accountId: other,
      device: door.id,
      action: 'iot:Connect',
    });
    expect(answer.json).toMatchObject({ allowed: true, deniedBy: [] });
  });
});

describe('a trial', () => {
  it('tells what would be answered, and which policies say so', async () => {
    await policy('talk', [everything()], { account: true });
    await policy('quiet', [deny('iot:Publish', `${ARN}topic/app/*/siren`)], { device: door.id });
    const of = (action: string, resource?: string, more: object = {}) =>
      call('test', { device: door.id, action, resource, ...more });
    expect(await of('iot:Connect')).toMatchObject({ allowed: true, reason: 'every device may, by default' });
    expect(await of('iot:Publish', own('door'))).toMatchObject({ allowed: true, allowedBy: ['talk'] });
    expect(await of('iot:Publish', own('siren'))).toEqual({
      ...{ allowed: false, reason: 'denied by quiet', allowedBy: ['talk'], deniedBy: ['quiet'] },
    });
    expect(await of('iot:Subscribe', '#')).toMatchObject({ allowed: false, reason: 'nothing allows it' });
    await policy('wide', [allow('iot:Subscribe', 'topicfilter/*')], { account: true });
    expect(await of('iot:Subscribe', '#')).toMatchObject({
      allowed: false,
      reason: `what policies allow counts below app/${accountId}/ only`,
      allowedBy: ['wide'],
    });
  });

  it.each([
    ['iot:Publish', undefined, 400, 'REQUEST_INVALID'],
    ['iot:Fly', 'x', 400, 'REQUEST_INVALID'],
  ])('of %s on %s is refused', async (action, resource, status, code) => {
    const answer = await world.admin('/policy/test', { accountId, device: door.id, action, resource });
    expect(answer).toMatchObject({ status, json: { code } });
  });

  it('of a device of another account tells nothing', async () => {
    const other = await world.account('Other');
    const answer = await world.admin('/policy/test', {
      accountId: other,
      device: door.id,
      action: 'iot:Connect',
    });
    expect(answer).toMatchObject({ status: 404, json: { code: 'DEVICE_UNKNOWN' } });
  });
});

describe('a target', () => {
  it.each([
    [{}, 'POLICY_TARGET_INVALID'],
    [{ account: true, product: 'x' }, 'POLICY_TARGET_INVALID'],
    [{ product: 'Lamp' }, 'POLICY_TARGET_INVALID'],
    [{ account: false }, 'POLICY_TARGET_INVALID'],
  ])('%j is refused', async (target, code) => {
    const answer = await world.admin('/policy/attach', { accountId, name: 'talk', ...target });
    expect(answer).toMatchObject({ status: 400, json: { code } });
  });

  it('of a kind is every device of that product', async () => {
    const { json } = await world.admin('/device/get', { id: door.id });
    await policy('out', [deny('iot:Connect', '*')], { product: String(json.product) });
    await expect(world.connectDevice(lamp)).rejects.toThrow(/[Nn]ot authorized/);
  });
});
