import { gzipSync } from 'node:zlib';
import { type RequestToSign, signedHeadersOf } from '@ioto/protocol';
import { CodedError, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpLimits, HttpService } from '../http/http-service.ts';
import { EmbeddedCredentials } from '../platform/embedded/embedded-credentials.ts';
import { welcomingGate, welcomingTools } from '../platform/embedded/welcoming-gates.fixture.ts';
import type { ToolBearer } from '../ports/credential-issuer.ts';
import type { ToolGate } from '../ports/device-endpoint.ts';
import { storeError } from '../ports/item-store.ts';
import { AwsAuthorization } from './aws-caller.ts';
import { awsError } from './aws-error.ts';
import { awsScope } from './aws-scope.ts';

const bearer: ToolBearer = { kind: 'tool', accountId: 'A1', role: 'user', sponsor: { by: 'admin' } };

class World {
  readonly clock = new VirtualClock();
  readonly credentials = new EmbeddedCredentials({
    secret: async () => Buffer.alloc(32, 7),
    clock: this.clock,
  });
  tools: ToolGate = welcomingTools;
  readonly http: HttpService;

  constructor(limits: Partial<HttpLimits> = {}) {
    this.http = new HttpService({
      clock: this.clock,
      logger: silentLogger,
      limits,
      api: [],
      root: [
        (app) =>
          awsScope(app, {
            authorizer: new AwsAuthorization({
              ...{ credentials: this.credentials, clock: this.clock, region: () => 'local' },
              gate: () => welcomingGate,
              tools: () => this.tools,
            }),
            clock: this.clock,
            logger: silentLogger,
            routes: [
              (scope, authorizer) =>
                scope.get('/things/:thing', async (request) => {
                  const { accountId } = await authorizer.authorize(request as never, ['iotdata']);
                  if (request.url.endsWith('gone'))
                    throw awsError('ResourceNotFoundException', 'gone', { status: 404 });
                  return { accountId };
                }),
            ],
            targets: [
              {
                ...{ prefix: 'Echo_1', version: '1.1', signingName: 'echo' },
                operations: {
                  Long: {
                    limits: { bytes: 1024 * 1024, values: 200_000 },
                    handle: async ({ a }) => ({ length: (a as unknown[]).length }),
                  },
                  Say: { handle: async (input, { accountId }) => ({ accountId, ...input }) },
                  Fill: {
                    handle: async () => {
                      throw storeError('STORE_UNWRITABLE', 'secret detail');
                    },
                  },
                  Find: {
                    handle: async () => {
                      throw new CodedError('SAYING_UNKNOWN', 'there is no such saying', { status: 404 });
                    },
                  },
                  Break: {
                    handle: async () => {
                      throw new Error('secret detail');
                    },
                  },
                },
              },
            ],
          }),
      ],
    });
  }

  async ask(
    target: string,
    body: string | Buffer,
    { headers = {}, service = 'echo', skew = 0, secret }: Options = {},
  ) {
    const keys = await this.credentials.issue(bearer, 3600);
    const request: RequestToSign = {
      ...{ method: 'POST', url: new URL('https://cloud/'), body, service, region: 'local' },
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target, ...headers },
      now: this.clock.now() + skew,
    };
    const signed = signedHeadersOf(request, secret ? { ...keys, secretAccessKey: secret } : keys);
    const answer = await this.http.app.inject({
      method: 'POST',
      url: '/',
      headers: { host: 'cloud', ...signed },
      payload: body,
    });
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) };
  }
}

interface Options {
  headers?: Record<string, string>;
  service?: string;
  skew?: number;
  secret?: string;
}

let world: World;
afterEach(() => world.http.stop());

async function started(): Promise<World> {
  world = new World();
  await world.http.start();
  return world;
}

describe('POST / with X-Amz-Target', () => {
  it('answers the operation for who signed it, compressed or not', async () => {
    const { ask } = bound(await started());
    const plain = await ask('Echo_1.Say', '{"a":1}');
    expect(plain).toMatchObject({ status: 200, body: { accountId: 'A1', a: 1 } });
    expect(plain.headers['content-type']).toBe('application/x-amz-json-1.1');
    expect(plain.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
    const small = await ask('Echo_1.Say', gzipSync('{"a":2}'), { headers: { 'content-encoding': 'gzip' } });
    expect(small.body).toEqual({ accountId: 'A1', a: 2 });
  });

  it.each([
    ['Echo_1.Nothing', '{}', {}, 400, 'UnknownOperationException'],
    ['Echo_1.toString', '{}', {}, 400, 'UnknownOperationException'],
    ['Echo_1.Say', '{', {}, 400, 'SerializationException'],
    ['Echo_1.Say', '[]', {}, 400, 'SerializationException'],
    ['Echo_1.Say', 'x', { headers: { 'content-encoding': 'gzip' } }, 400, 'SerializationException'],
    ['Echo_1.Say', '{}', { headers: { 'content-encoding': 'br' } }, 400, 'SerializationException'],
    ['Echo_1.Say', '{}', { service: 'logs' }, 403, 'InvalidSignatureException'],
    ['Echo_1.Say', '{}', { skew: 3_600_000 }, 403, 'InvalidSignatureException'],
    ['Echo_1.Say', '{}', { secret: 'x'.repeat(40) }, 403, 'InvalidSignatureException'],
    ['Echo_1.Break', '{}', {}, 500, 'InternalFailureException'],
    ['Echo_1.Fill', '{}', {}, 503, 'ServiceUnavailableException'],
    ['Echo_1.Find', '{}', {}, 404, 'ResourceNotFoundException'],
  ])('refuses %s of %s in the words of AWS', async (target, body, options, status, code) => {
    const { ask } = bound(await started());
    const answer = await ask(target, body, options);
    expect(answer).toMatchObject({ status, body: { __type: code } });
    expect(JSON.stringify(answer.body)).not.toContain('secret detail');
  });

  const zipped = { headers: { 'content-encoding': 'gzip' } };
  const list = (count: number) => `{"a":[${'[],'.repeat(count)}[]]}`;

  const serialization = [400, 'SerializationException'];
  const tooLarge = [413, 'RequestEntityTooLargeException'];

  it.each([
    ['bytes than it takes', 'Say', `{"a":"${'x'.repeat(65_536)}"}`, tooLarge],
    ['values than it takes', 'Say', list(10_000), serialization],
    ['values than it takes, which are many', 'Long', list(150_000), serialization],
    ['bytes than any takes', 'Long', list(400_000), tooLarge],
  ])('refuses an operation that has more %s, compressed or not', async (_name, verb, body, plain) => {
    const { ask } = bound(await started());
    const answers = [await ask(`Echo_1.${verb}`, body), await ask(`Echo_1.${verb}`, gzipSync(body), zipped)];
    expect(answers.map(({ status, body: { __type } }) => [status, __type])).toEqual([plain, serialization]);
  });

  it('parses for an account at a rate, however little its bodies have in compressed form', async () => {
    const { ask, world } = bound(await started());
    const bomb = gzipSync(list(99_990));
    const statuses = new Map<number, number>();
    for (let n = 0; n < 25; n += 1) {
      const { status } = await ask('Echo_1.Long', bomb, zipped);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    // Each is paid for with three hundred thousand bytes, and six million for two hundred thousand values.
    expect(Object.fromEntries(statuses)).toEqual({ 200: 15, 400: 10 });
    expect((await ask('Echo_1.Long', bomb, zipped)).body).toMatchObject({ __type: 'ThrottlingException' });
    await world.clock.advance(1000);
    expect((await ask('Echo_1.Long', bomb, zipped)).body).toEqual({ length: 99_991 });
  });

  it('tells who also knows the query protocol the code in a header', async () => {
    const { ask } = bound(await started());
    const { headers } = await ask('Echo_1.Say', '[', { headers: { 'x-amzn-query-mode': 'true' } });
    expect(headers['x-amzn-query-error']).toBe('SerializationException;Sender');
  });

  it('does not read a large body of a stranger', async () => {
    const { http } = await started();
    const answer = await http.app.inject({ method: 'POST', url: '/', payload: Buffer.alloc(1_000_000) });
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  });

  it('counts the large bodies of an account together, before any of them is proven to be its own', async () => {
    world = new World({ bodies: { ofCaller: 150_000, ofAddress: 0, ofAll: 1_000_000 } });
    await world.http.start();
    const { ask } = bound(world);
    const fits = `{"a":"${'x'.repeat(100_000)}"}`;
    expect(await ask('Echo_1.Say', fits)).toMatchObject({ status: 413 });
    const secret = 'x'.repeat(40);
    expect(await ask('Echo_1.Long', `{"a":"${'x'.repeat(150_000)}"}`, { secret })).toMatchObject({
      status: 429,
      body: { __type: 'ThrottlingException' },
    });
    expect(await ask('Echo_1.Long', fits, { secret })).toMatchObject({ status: 403 });
    expect(await ask('Echo_1.Say', '{}')).toMatchObject({ status: 429 });
  });

  it('refuses a credential whose holder has lost its right', async () => {
    const world = await started();
    world.tools = {
      ...welcomingTools,
      admit: async () => ({ admitted: false, reason: 'the token has ended' }),
    };
    expect(await bound(world).ask('Echo_1.Say', '{}')).toMatchObject({
      status: 403,
      body: { __type: 'ExpiredTokenException', message: 'the token has ended' },
    });
  });
});

describe('a REST route of AWS', () => {
  it('tells the code of an error in its header', async () => {
    const { http, credentials, clock } = await started();
    const keys = await credentials.issue(bearer, 3600);
    const get = (path: string) => {
      const url = new URL(`https://cloud${path}`);
      const facts = { method: 'GET', url, headers: {}, body: '', service: 'iotdata', region: 'local' };
      const headers = { host: 'cloud', ...signedHeadersOf({ ...facts, now: clock.now() }, keys) };
      return http.app.inject({ method: 'GET', url: path, headers });
    };
    expect((await get('/things/x')).json()).toEqual({ accountId: 'A1' });
    const gone = await get('/things/gone');
    expect(gone.statusCode).toBe(404);
    expect(gone.headers['x-amzn-errortype']).toBe('ResourceNotFoundException');
    expect(gone.json()).toEqual({ message: 'gone', code: 'ResourceNotFoundException' });
  });
});

const bound = (world: World) => ({ ask: world.ask.bind(world), world });
