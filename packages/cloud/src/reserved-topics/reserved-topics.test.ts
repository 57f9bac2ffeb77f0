import { silentLogger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import type { DevicePrincipal, ToolPrincipal } from '../ports/device-endpoint.ts';
import { everyRight } from '../ports/every-right.fixture.ts';
import { ReservedTopics } from './reserved-topics.ts';

const device: DevicePrincipal = {
  ...{ kind: 'device', deviceId: 'D1', accountId: 'A1', generation: 1, dialect: 'current' },
  rights: everyRight,
};
const tool: ToolPrincipal = {
  ...{ kind: 'tool', accountId: 'A1', role: 'user', sponsor: { by: 'admin' }, sessionId: 's' },
  ...{ expires: 0, rights: everyRight },
};

function recorder() {
  const seen: unknown[] = [];
  const note = (service: string) => async (message: { path: readonly string[]; thing?: string }) => {
    seen.push([service, message.thing, message.path]);
  };
  const topics = new ReservedTopics(
    {
      shadow: note('shadow'),
      jobs: note('jobs'),
      certificates: note('certificates'),
      'provisioning-templates': note('templates'),
    },
    silentLogger,
  );
  const send = (from: DevicePrincipal | ToolPrincipal, topic: string) =>
    topics.receive(from, { topic, payload: Buffer.alloc(0) });
  return { seen, topics, send };
}

describe('a message on a topic of AWS IoT', () => {
  it('goes to the service that its topic names, with the levels behind', async () => {
    const { seen, send } = recorder();
    await send(device, '$aws/things/D1/shadow/name/x/update');
    await send(tool, '$aws/things/D1/jobs/start-next');
    await send(device, '$aws/certificates/create-from-csr/json');
    await send(device, '$aws/provisioning-templates/ioto/provision/json');
    expect(seen).toEqual([
      ['shadow', 'D1', ['name', 'x', 'update']],
      ['jobs', 'D1', ['start-next']],
      ['certificates', undefined, ['create-from-csr', 'json']],
      ['templates', undefined, ['ioto', 'provision', 'json']],
    ]);
  });

  it('about certificates is a device’s own matter, and what nobody serves is dropped', async () => {
    const { seen, send } = recorder();
    await send(tool, '$aws/certificates/create/json');
    await send(device, '$aws/things/D1/toString/x');
    await send(device, '$aws/things/D1');
    await send(device, '$aws/');
    expect(seen).toEqual([]);
  });

  it('of basic ingest is a longer name for another', () => {
    const { topics } = recorder();
    expect(topics.isReserved('$aws/rules/IotoDevice/ioto/service/D1/store/set')).toBe(false);
    expect(topics.isReserved('$aws/things/D1/shadow/get')).toBe(true);
    expect(topics.isReserved('ioto/service/D1/store/set')).toBe(false);
  });
});
