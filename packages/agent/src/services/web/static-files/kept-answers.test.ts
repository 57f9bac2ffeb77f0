import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VirtualClock } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSWER_LIFE, KeptAnswers, LOOK_AHEAD } from './kept-answers.ts';

const clock = new VirtualClock();
const kept = new KeptAnswers(clock, { maxHeaders: 100, bodies: 1000 });
const server = createServer((asked, response) => {
  if (!kept.answer(asked, response)) response.writeHead(404).end();
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

function status(
  headers: Record<string, string | string[]> = {},
  method = 'GET',
  path = '/a',
): Promise<number> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    request({ port, path, method, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

const keep = () => kept.keep('/a', { headers: ['content-length', '1'], body: Buffer.from('1') });

describe('an answer that is kept', () => {
  it('is given for a second, to a GET of the same target', async () => {
    keep();
    expect(await status()).toBe(200);
    expect(await status({}, 'GET', '/a?x')).toBe(404);
    expect(await status({}, 'HEAD')).toBe(404);
    await clock.advance(LOOK_AHEAD - 1);
    expect(await status()).toBe(200);
    await clock.advance(ANSWER_LIFE - LOOK_AHEAD + 1);
    expect(await status()).toBe(404);
  });

  it('is not given to one request towards its end, which looks at the file for the others', async () => {
    keep();
    await clock.advance(LOOK_AHEAD);
    expect(await status()).toBe(404);
    expect(await status()).toBe(200);
    keep();
    expect(await status()).toBe(200);
    await clock.advance(LOOK_AHEAD);
    expect(await status()).toBe(404);
    await clock.advance(ANSWER_LIFE - LOOK_AHEAD);
    expect(await status()).toBe(404);
  });

  it.each([
    ['If-None-Match', '"a"'],
    ['if-match', '*'],
    ['IF-RANGE', '"a"'],
    ['if-modified-since', 'x'],
    ['if-unmodified-since', 'x'],
    ['Range', 'bytes=0-1'],
    ['Expect', 'other'],
    ['content-length', '0'],
    ['transfer-encoding', 'chunked'],
  ])('is not given to who says %s', async (name, value) => {
    keep();
    expect(await status({ [name]: value })).not.toBe(200);
    expect(await status({ 'x-other': 'a', accept: '*/*', 'user-agent': 'u' })).toBe(200);
  });

  it('is gone when all of them have become too many bytes', async () => {
    keep();
    const message = Buffer.alloc(16_000);
    for (let at = 0; at < 30; at += 1) {
      kept.keep(`/${at}`, { headers: [], body: Buffer.alloc(0), message });
      kept.keep('/0', { headers: [], body: Buffer.alloc(0), message });
    }
    expect(await status()).toBe(200);
    for (let at = 30; at < 40; at += 1) {
      kept.keep(`/${at}`, { headers: [], body: Buffer.alloc(0), message });
    }
    expect(await status()).toBe(404);
  });

  it('is gone when the site was written to', async () => {
    keep();
    kept.forget();
    expect(await status()).toBe(404);
  });

  it('is not kept with all others that were ever asked for', async () => {
    const keepAll = (targets: string[], body: Buffer) => {
      kept.forget();
      for (const target of targets) kept.keep(target, { headers: ['content-length', '1'], body });
    };
    const one = Buffer.from('1');
    keepAll(['/b', '/b', '/b', '/c'], Buffer.alloc(500));
    expect(await status({}, 'GET', '/b')).toBe(200);
    keepAll(['/b', '/c', '/d'], Buffer.alloc(500));
    expect([await status({}, 'GET', '/b'), await status({}, 'GET', '/d')]).toEqual([404, 200]);
    const long = Array.from({ length: 100 }, (_, n) => `/${n}?${'x'.repeat(8000)}`);
    keepAll(['/b', ...long], one);
    expect(await status({}, 'GET', '/b')).toBe(404);
  });
});
