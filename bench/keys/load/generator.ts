import { createPrivateKey } from 'node:crypto';
import { Agent, type RequestOptions, request as send } from 'node:https';
import { SIGNATURE_HEADER, type SigningCredentials, signedHeadersOf, signRequest } from '@ioto/protocol';
import type { DeviceKeys } from '../../sync/load/device-link.ts';

/** What the generator is asked for: so many requests of each device, or of a tool, with some under way at once. */
export type KeysTask = { origin: string; authority: string; each: number } & (
  | { kind: 'provider'; devices: DeviceKeys[] }
  | { kind: 'getCreds'; devices: (DeviceKeys & { token: string })[] }
  | { kind: 'signed' | 'healthz'; keys: SigningCredentials; window: number }
);

export interface KeysAnswer {
  perSecond: number;
  /** Statuses of what was answered otherwise than with 200. */
  wrong: number[];
}

interface Lane {
  agent: Agent;
  next(): RequestOptions & { body?: string };
}

process.once('message', async (task: KeysTask) => {
  try {
    const result = await run(task);
    process.send?.({ result }, () => process.exit(0));
  } catch (error) {
    process.stderr.write(`the generator failed: ${String(error)}\n`);
    process.exit(1);
  }
});
process.send?.({ ready: true });

/** One request after the other on each lane's own connection, which is there before the time is taken. */
async function run(task: KeysTask): Promise<KeysAnswer> {
  const lanes = lanesOf(task);
  const wrong: number[] = [];
  const ask = async (lane: Lane) => {
    const status = await exchange(task.origin, lane);
    if (status !== 200) wrong.push(status);
  };
  for (const lane of lanes) await ask(lane);
  const started = performance.now();
  await Promise.all(
    lanes.map(async (lane) => {
      for (let n = 0; n < task.each; n += 1) await ask(lane);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const { agent } of lanes) agent.destroy();
  return { perSecond: (lanes.length * task.each) / seconds, wrong };
}

function lanesOf(task: KeysTask): Lane[] {
  const agentOf = (more: object = {}) =>
    new Agent({ keepAlive: true, maxSockets: 1, ca: task.authority, ...more });
  if (task.kind === 'provider') {
    return task.devices.map(({ certificate, key }) => ({
      agent: agentOf({ cert: certificate, key, ALPNProtocols: ['x-amzn-http-ca'] }),
      next: () => ({ path: '/role-aliases/ioto/credentials' }),
    }));
  }
  if (task.kind === 'getCreds') {
    return task.devices.map(({ token, key }) => {
      const privateKey = createPrivateKey(key);
      const path = '/api/tok/device/getCreds';
      const next = () => {
        const signature = signRequest({ method: 'POST', path, body: '' }, privateKey, Date.now());
        const headers = { authorization: `bearer ${token}`, [SIGNATURE_HEADER]: signature };
        return { method: 'POST', path, headers, body: '' };
      };
      return { agent: agentOf(), next };
    });
  }
  const { keys, window } = task;
  const next =
    task.kind === 'healthz' ? () => ({ path: '/healthz' }) : () => signedRequest(task.origin, keys);
  return Array.from({ length: window }, () => ({ agent: agentOf(), next }));
}

/** GetMetricStatistics of a metric that there is not: next to nothing but the signature. */
function signedRequest(origin: string, keys: SigningCredentials): RequestOptions & { body: string } {
  const now = Date.now();
  const times = { StartTime: now / 1000 - 3600, EndTime: now / 1000 };
  const names = { Namespace: 'Bench', MetricName: 'None', Period: 60, Statistics: ['Sum'] };
  const body = JSON.stringify({ ...names, ...times });
  const headers = signedHeadersOf(
    {
      ...{ method: 'POST', url: new URL('/', origin), body, service: 'monitoring', region: 'local', now },
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'GraniteServiceVersion20100801.GetMetricStatistics',
      },
    },
    keys,
  );
  return { method: 'POST', path: '/', headers, body };
}

function exchange(origin: string, { agent, next }: Lane): Promise<number> {
  const { body, ...options } = next();
  return new Promise((resolve, reject) => {
    const outgoing = send(new URL(options.path ?? '/', origin), { ...options, agent }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
