import { createHash, createHmac } from 'node:crypto';
import { type SignedRequest, signedHeadersOf } from '@ioto/protocol';
import { systemClock } from '@ioto/runtime';
import { EmbeddedCredentials } from '../../packages/cloud/src/platform/embedded/embedded-credentials.ts';
import type {
  CredentialOpener,
  IssuedCredentials,
} from '../../packages/cloud/src/ports/credential-issuer.ts';
import { KeyCache } from '../../packages/cloud/src/sigv4/key-cache.ts';
import { verifySignedRequest } from '../../packages/cloud/src/sigv4/verify-request.ts';
import { type Figure, figure } from '../report.ts';

/** Bytes of the body of each request. */
const BODY = 1024;
const ROUNDS = 20_000;
const TOOL = { kind: 'tool', accountId: 'A', role: 'user', sponsor: { by: 'admin' } } as const;

/** What one core makes of signatures and credentials without any network, beside the hashing that it cannot do without. */
export async function inProcessFigures(): Promise<Figure[]> {
  const secret = Buffer.alloc(32, 7);
  const issuer = new EmbeddedCredentials({ secret: async () => secret, clock: systemClock });
  const cache = new KeyCache({ opener: issuer, clock: systemClock });
  const request = signed(await issuer.issue(TOOL, 3600));
  const verify = (opener: CredentialOpener) => () =>
    verifySignedRequest(request, {
      ...{ now: Date.now(), region: 'local', services: ['monitoring'] },
      open: (keys) => opener.open(keys),
    });
  const [warm, bareWarm] = await inTurns(verify(cache), () => bareHashing(request.body, 1));
  const [cold, bareCold] = await inTurns(verify(issuer), () => bareHashing(request.body, 5));
  const [issued, bareSeal] = await inTurns(
    () => issuer.issue(TOOL, 3600),
    () => bareHashing(request.body, 5),
  );
  return [
    figure('verify.warm', warm, '/s of a core', ['SHA-256 of body and text, 1 HMAC', bareWarm]),
    figure('verify.cold', cold, '/s of a core', ['SHA-256 of body and text, 5 HMACs', bareCold]),
    figure('issue', issued, '/s of a core', ['SHA-256 of body and text, 5 HMACs', bareSeal]),
  ];
}

/** Of PutMetricData, as the agent signs it. */
function signed(keys: IssuedCredentials): SignedRequest {
  const body = Buffer.alloc(BODY, 'x');
  const url = new URL('https://cloud.example:8443/');
  const headers = signedHeadersOf(
    {
      ...{ method: 'POST', url, body, service: 'monitoring', region: 'local', now: Date.now() },
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData',
      },
    },
    keys,
  );
  const rawHeaders = ['host', url.host, ...Object.entries(headers).flat()];
  return { method: 'POST', target: '/', rawHeaders, body };
}

/** The least of it that node:crypto can be asked for. */
function bareHashing(body: Uint8Array, hmacs: number): void {
  let key: string | Buffer = 'AWS4secret';
  createHash('sha256').update(body).digest('hex');
  createHash('sha256').update('a canonical request of some length'.repeat(10)).digest('hex');
  for (let n = 0; n < hmacs; n += 1) key = createHmac('sha256', key).update('local').digest();
}

/** By the time of a core that they took, in short turns, so that both see the same machine. */
async function inTurns(...works: (() => unknown)[]): Promise<[number, number]> {
  const times = works.map(() => 0);
  const turns = 20;
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [index, work] of works.entries()) {
      const started = process.cpuUsage();
      for (let n = 0; n < ROUNDS / turns; n += 1) await work();
      const { user, system } = process.cpuUsage(started);
      times[index] = (times[index] ?? 0) + (user + system) / 1000;
    }
  }
  const [first = 1, second = 1] = times.map((time) => ROUNDS / (time / 1000));
  return [first, second];
}
