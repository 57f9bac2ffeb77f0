import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import { HttpService } from '../http/http-service.ts';
import { imageDownload } from './image-download.ts';
import { imageUrl } from './image-url.ts';
import type { UpdateRecord } from './update-record.ts';

const place = { product: 'lamp', version: '1.0.0', blob: 'B1' };
const update = { ...place, size: 1e9, sha256: 'ab', enabled: true } as unknown as UpdateRecord;

/** Goes on for as long as it is read. */
const endless = () =>
  new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });

it('an image download gives its file back when the connection closes, though another had its turn', async () => {
  const clock = new VirtualClock();
  const secret = Buffer.alloc(32);
  const opened: Readable[] = [];
  const read = async () => {
    const stream = endless();
    opened.push(stream);
    return stream;
  };
  const capabilities = { desk: { get: async () => update }, blobs: { read }, secret: async () => secret };
  const http = new HttpService({
    ...{ clock, logger: silentLogger, root: [] },
    api: [(app) => imageDownload(app, { ...capabilities, now: () => clock.now() })],
  });
  await http.start();
  const port = createServer((socket) => http.server.emit('connection', socket)).listen(0, '127.0.0.1');
  await once(port, 'listening');
  const socket = connect((port.address() as AddressInfo).port, '127.0.0.1');
  const url = imageUrl('/api', place, secret, clock.now());
  socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3));
  await until('three downloads', () => opened.length === 3);
  socket.destroy();
  await until('every file to be closed', () => opened.every((stream) => stream.destroyed));
  expect(http.waiting).toBe(0);
  await http.stop();
  port.close();
});

it.each(['GET', 'HEAD'] as const)('%s of an image whose URL was cut off says so', async (method) => {
  const clock = new VirtualClock();
  const none = { desk: { get: async () => update }, blobs: { read: async () => endless() } };
  const http = new HttpService({
    ...{ clock, logger: silentLogger, root: [] },
    api: [(app) => imageDownload(app, { ...none, secret: async () => Buffer.alloc(32), now: () => 0 })],
  });
  await http.start();
  const [whole = ''] = imageUrl('/api', place, Buffer.alloc(32), 0).split('&');
  for (const url of [whole, whole.split('?')[0] ?? '']) {
    const answer = await http.app.inject({ method, url });
    expect(answer.statusCode).toBe(400);
    if (method === 'GET') expect(answer.json().error).toMatch(/not whole.*blob, expires and signature/);
  }
  await http.stop();
});
